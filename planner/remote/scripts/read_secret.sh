# Prints a secret that only hosts have any more, for the machine that made it or asked for it.
# Arguments: BASE UNITS PROJECT PLACE
set -eu

main() {
  case $4 in
    secrets/*/* | secrets/.* | *[!a-z0-9@/-]*) return 64 ;;
    secrets/?*) cat "$1/$3/$4" ;;
    *) return 64 ;;
  esac
}

main "$@" </dev/null; exit
