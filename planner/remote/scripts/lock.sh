# Takes the project's lock on the host. Exit status 75, with the holder, when another run has it.
# Arguments: BASE UNITS PROJECT TOKEN HOLDER
set -eu

main() {
  home=$1/$3 token=$4 holder=$5
  umask 022
  mkdir -p "$home"
  # The lock appears together with its holder: a folder cannot be renamed onto one with content.
  mine=$home/lock.$token
  if prepare 2>/dev/null && mv -T "$mine" "$home/lock" 2>/dev/null; then return 0; fi
  rm -rf "$mine"
  cat "$home/lock/holder" 2>/dev/null || echo somebody
  return 75
}

# It fails when the run that has the lock sweeps up meanwhile: then that run was first.
prepare() { mkdir "$mine" && echo "$holder" >"$mine/holder" && echo "$token" >"$mine/token"; }

main "$@" </dev/null
