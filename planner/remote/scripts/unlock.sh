# Gives the lock back, if it is still ours.
# Arguments: BASE UNITS PROJECT TOKEN
set -eu

main() {
  lock=$1/$3/lock token=$4
  held=
  read -r held 2>/dev/null <"$lock/token" || true
  if [ "$held" = "$token" ]; then
    # what runs left that were killed while they tried for the lock
    rm -rf "$1/$3"/lock.*
    gone=$1/$3/lock.$token
    mv -T "$lock" "$gone"
    rm -rf "$gone"
  fi
  # a run that failed before it wrote anything leaves no empty folder behind
  rmdir "$1/$3" "$1" 2>/dev/null || true
}

main "$@" </dev/null
