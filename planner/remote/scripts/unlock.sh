# Takes the lock away from the run that holds it with this token; prints "taken away" then.
# Arguments: BASE UNITS PROJECT LOCKS TOKEN
set -u

main() {
  lock=$4/$3.lock work=$4/$3.work token=$5
  found='' pid=''
  { read -r found && read -r pid; } 2>/dev/null <"$lock"
  if [ -z "$token" ] || [ "$found" != "$token" ]; then return 0; fi
  : >"$lock" # from now on no command of that run begins
  if grep -qsF -- "$token" "/proc/$pid/cmdline"; then
    # its wait for a sign of life ends, and with it the lock
    children=
    read -r children 2>/dev/null <"/proc/$pid/task/$pid/children"
    # shellcheck disable=SC2086
    kill ${children:-$pid} 2>/dev/null
  fi
  if [ -e "$lock" ]; then
    exec 9>>"$lock"
    flock --wait 5 9 || {
      echo 'the process that holds the lock does not end' >&2
      return 1
    }
    # in hand, so that it is not the next run's that goes
    if [ "$lock" -ef /proc/self/fd/9 ]; then rm -f "$work" "$lock"; fi
  fi
  echo 'taken away'
}

main "$@" </dev/null; exit
