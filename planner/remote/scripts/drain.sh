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

# The kernel knows of each connection how long ago, in ms, data went out and came in: a request that
# came after the last answer waits for its own, and an answer is under way while its parts go out.
# Only what others opened counts: an idle connection to somebody else looks like a request.
busy() {
  case $runtime in
    compose)
      id=$(docker ps --quiet --no-trunc --filter "label=io.planner.project=$project" \
        --filter "label=io.planner.workload=$name")
      pid=$(docker inspect --format '{{.State.Pid}}' "$id")
      set -- nsenter --target "$pid" --net ss
      own=''
      ;;
    systemd)
      pid=$(systemctl show --property=MainPID --value "planner-$project-$name.service")
      set -- ss
      own="pid=$pid,"
      ;;
  esac
  [ "$pid" -gt 0 ] || return 1
  {
    "$@" -Htnlp | grep -F -e "$own"
    "$@" -Htni state established
  } | awk -v quiet="$quiet" '
    $1 == "LISTEN" { sub(/.*:/, "", $4); ports[$4]; next }
    !/lastack:/ { sub(/.*:/, "", $3); mine = $3 in ports; next }
    mine {
      out = 0; in_ = 0
      for (n = 1; n <= NF; n++) {
        if (sub(/^lastsnd:/, "", $n)) out = $n
        if (sub(/^lastrcv:/, "", $n)) in_ = $n
      }
      if (in_ < out || out < quiet) found = 1
    }
    END { exit !found }'
}

main "$@" </dev/null; exit
