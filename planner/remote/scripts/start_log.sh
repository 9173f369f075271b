# Prints what workloads said since they started: "@log NAME", then the lines that match, indented.
# Reads the first LINES lines of each at most: engines tell of their memory as they start.
# Arguments: BASE UNITS PROJECT LINES [RUNTIME NAME PATTERN]...
set -u
LC_ALL=C
export LC_ALL

main() {
  project=$3 lines=$4
  shift 4
  while [ $# -ge 3 ]; do
    echo "@log $2"
    case $1 in
      compose) container_log "$2" ;;
      systemd) unit_log "$2" ;;
    esac | head -n "$lines" | grep -aE -e "$3" | cut -c1-2000 | sed 's/^/ /'
    shift 3
  done
  echo '@end'
}

container_log() {
  ids=$(docker ps --quiet --filter "label=io.planner.project=$project" \
    --filter "label=io.planner.workload=$1")
  id=${ids%%[!0-9a-f]*} # the newest comes first
  [ -n "$id" ] || return 0
  # not since StartedAt: Docker notes that when the program has said its first words already
  ended=$(docker inspect --format '{{.State.FinishedAt}}' "$id") || return 0
  case $ended in
    0001-*) timeout 10 docker logs "$id" 2>&1 ;; # it never ended: this is its first run
    *) timeout 10 docker logs --since "$ended" "$id" 2>&1 ;;
  esac
}

unit_log() {
  run=$(systemctl show "planner-$project-$1.service" --property=InvocationID --value)
  [ -n "$run" ] || return 0
  timeout 10 journalctl --sync 2>/dev/null
  timeout 10 journalctl "_SYSTEMD_INVOCATION_ID=$run" --no-pager --quiet --output cat
}

main "$@" </dev/null; exit
