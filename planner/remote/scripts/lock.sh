# Holds the project's lock on the host for as long as its run is there to hold it: prints "held",
# then gives back every byte that it reads, until its input ends or nothing comes for SILENCE
# seconds. Exit status 75, with the holder, when another run has it.
# The kernel keeps the lock (flock): it is free in the moment in which this process is gone, however
# it went, and after a restart of the host. No clocks are compared.
# Arguments: LOCKS PROJECT TOKEN HOLDER SILENCE
set -u

main() {
  folder=$1 lock=$1/$2.lock work=$1/$2.work token=$3 holder=$4 silence=$5
  umask 022
  take || {
    who
    return 75
  }
  # commands of a run that is gone may still be at work: each holds this one for as long as it lives
  exec 8>>"$work"
  flock --wait 3 8 || {
    echo 'a command of an earlier run is still at work there'
    return 75
  }
  printf '%s\n%s\n%s\n' "$token" "$$" "$holder" >"$lock"
  exec 8>&-
  echo held
  while byte=$(timeout "$silence" dd bs=1 count=1 2>/dev/null 9>&-) && [ -n "$byte" ]; do
    echo "$byte"
  done
  give_back
}

take() {
  for try in 1 2 3 4 5; do
    mkdir -p "$folder" || return 1
    exec 9>>"$lock"
    # somebody who only looks holds it for a moment
    flock --wait 1 9 || return 1
    # its last holder may have removed it in between
    if [ "$lock" -ef /proc/self/fd/9 ]; then return 0; fi
  done
  return 1
}

# it may not have written its name yet
who() {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    { read -r _ && read -r _ && read -r holder; } 2>/dev/null <"$lock" && break
    holder=somebody
    sleep 0.1
  done
  echo "$holder"
}

give_back() {
  exec 8>>"$work"
  if flock --nonblock 8; then
    rm -f "$work" "$lock"
  else
    : >"$lock"
  fi
}

main "$@"
