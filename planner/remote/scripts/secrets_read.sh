# Remembers that a workload has started with its secrets as they are now.
# Arguments: BASE UNITS PROJECT WORKLOAD
set -eu

main() { rm -f "$1/$3/secrets/.unread/$4"; }

main "$@" </dev/null; exit
