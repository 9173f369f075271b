# Has a workload finish what it is at: whoever passes requests on sees its file NAME.closed in the
# folder traffic and sends it no new ones; then waits until none is under way, for SECONDS at most.
# Arguments: BASE PROJECT RUNTIME NAME SECONDS
set -u
quiet=5000 # ms: parts of one answer come closer together
exec 2>/dev/null # where it cannot be seen, nothing is waited for
LC_ALL=C
export LC_ALL

main() {
  folder=$1/$2/traffic project=$2 runtime=$3 name=$4 left=$5
  if [ -d "$folder" ]; then : >"$folder/$name.closed"; fi
  while [ "$left" -gt 0 ] && busy; do
    sleep 1
    left=$((left - 1))
  done
}

# the kernel knows of each connection how long ago, in ms, data went out and came in: a request that
# came after the last answer waits for its own, and an answer is under way while its parts go out
busy() {
  connections | awk -v quiet="$quiet" '
    /lastack:/ {
      out = 0; in_ = 0
      for (n = 1; n <= NF; n++) {
        if (sub(/^lastsnd:/, "", $n)) out = $n
        if (sub(/^lastrcv:/, "", $n)) in_ = $n
      }
      if (in_ < out || out < quiet) found = 1
    }
    END { exit !found }'
}

# two lines each, of the workload's own side
connections() {
  case $runtime in
    compose)
      pid=$(docker inspect --format '{{.State.Pid}}' "$(docker ps --quiet --no-trunc \
        --filter "label=io.planner.project=$project" \
        --filter "label=io.planner.workload=$name")" 2>/dev/null) || return 0
      [ "$pid" -gt 0 ] && nsenter --target "$pid" --net ss -Htni state established
      ;;
    systemd)
      pid=$(systemctl show --property=MainPID --value "planner-$project-$name.service")
      [ "$pid" -gt 0 ] && ss -Htnip state established | grep -A 1 "pid=$pid,"
      ;;
  esac
}

main "$@" </dev/null; exit
