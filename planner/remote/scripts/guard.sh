# Runs a command that changes the host: only while the lock with TOKEN is held, never side by side
# with a run that took the lock meanwhile, not for longer than SECONDS, and not through a link that
# somebody laid into the project's folder below BASE.
# What comes over standard input (the script itself, a secret) is taken in whole before anything is
# held: when the link is cut in between, neither the next run nor the way back has to wait for what
# will never come.
# Exit status 75 when the lock is another one by now, 124 when the time is over, 73 with the link.
# Arguments: LOCKS PROJECT TOKEN SECONDS BASE COMMAND...

mine() {
  found=
  read -r found 2>/dev/null <"$lock"
  [ "$found" = "$token" ]
}

# It waits where restarts clear up, for root alone, in a file whose name is gone before anything is
# in it: whatever ends this process takes it along. Planner sends less than a MiB.
take_in() {
  given=$(mktemp "$locks/given.XXXXXX") || exit
  exec 6>"$given" 7<"$given"
  rm "$given"
  timeout 30 head -c 1048576 >&6 || {
    status=$?
    [ "$status" != 124 ] || echo 'what was sent did not arrive within 30 s' >&2
    exit "$status"
  }
  exec <&7 6>&- 7<&-
}

locks=$1 lock=$1/$2.lock work=$1/$2.work token=$3 seconds=$4 home=$5/$2
shift 5
if mine; then
  take_in
  # planner's folders belong to root: nobody else can lay one between this look and the command
  link=$(foreign_links "$home" | head -n 1)
  if [ -n "$link" ]; then
    printf '%s\n' "$link"
    exit 73
  fi
  # whoever takes the lock from now on waits for the command, or was first; the file is there for as
  # long as the lock, and one that is made after it would be left over
  if [ -e "$work" ] && command exec 8<"$work" && flock --shared --wait 2 8 && mine; then
    exec timeout --kill-after=10 "$seconds" "$@"
  fi
fi
echo "the lock is another run's by now" >&2
exit 75
