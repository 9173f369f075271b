# Gives the lock back when it is still the one with this token, and prints "given back" then.
# Arguments: BASE UNITS PROJECT TOKEN
set -eu

main() {
  lock=$1/$3/lock token=$4
  if [ -d "$lock" ] && [ "$(held "$lock")" = "$token" ]; then
    # what runs left that were killed while they tried for the lock
    rm -rf "$1/$3"/lock.*
    gone=$1/$3/lock.given-back-$$
    mv -T "$lock" "$gone"
    if [ "$(held "$gone")" = "$token" ]; then
      rm -rf "$gone"
      echo 'given back'
    else
      # it changed hands in the very moment: its new holder keeps it
      mv -T "$gone" "$lock"
    fi
  fi
  # a run that failed before it wrote anything leaves no empty folder behind
  rmdir "$1/$3" "$1" 2>/dev/null || true
}

# a machine that lost its power may have kept a lock without a token
held() {
  found=
  read -r found 2>/dev/null <"$1/token" || true
  echo "$found"
}

main "$@" </dev/null
