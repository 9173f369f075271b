# Prepares a transfer and prints how many bytes of it are on the host already.
# Arguments: BASE UNITS PROJECT PART
set -eu

main() {
  incoming=$1/$3/incoming
  mkdir -p "$incoming"
  chmod 0700 "$incoming"
  stat -c %s "$incoming/$4" 2>/dev/null || echo 0
}

main "$@" </dev/null; exit
