# Runs a command that changes the host: only while the lock with TOKEN is held, never side by side
# with a run that took the lock meanwhile, and not for longer than SECONDS.
# Exit status 75 when the lock is another one by now, 124 when the time is over.
# Arguments: LOCKS PROJECT TOKEN SECONDS COMMAND...

mine() {
  found=
  read -r found 2>/dev/null <"$lock"
  [ "$found" = "$token" ]
}

lock=$1/$2.lock work=$1/$2.work token=$3 seconds=$4
shift 4
if mine; then
  exec 8>>"$work"
  # whoever takes the lock from now on waits for the command, or was first
  if flock --shared --wait 2 8 && mine; then exec timeout --kill-after=10 "$seconds" "$@"; fi
fi
echo "the lock is another run's by now" >&2
exit 75
