# What start.sh and stop.sh begin with.
# Has a workload finish what it is at: whoever passes requests on sees its file NAME.closed in the
# folder traffic and sends it no new ones; then waits until none is under way, for SECONDS at most.
# Arguments: BASE PROJECT RUNTIME NAME SECONDS
drain() {
  if [ -d "$1/$2/traffic" ]; then : >"$1/$2/traffic/$4.closed"; fi
  left=$5 still=0
  # what was chosen for a request just before gets it a moment later, so one look is not enough;
  # where nothing can be seen, nothing more is waited for
  while [ "$left" -gt 0 ]; do
    if busy "$2" "$3" "$4" 2>/dev/null; then still=0; else still=$((still + 1)); fi
    if [ "$still" = 2 ]; then break; fi
    sleep 1
    left=$((left - 1))
  done
}

# The kernel knows of each connection how long ago, in ms, data went out and came in: a request that
# came after the last answer waits for its own, and an answer is under way while its parts go out.
# Only what others opened counts: an idle connection to somebody else looks like a request.
# Arguments: PROJECT RUNTIME NAME
busy() {
  case $2 in
    compose)
      id=$(docker ps --quiet --no-trunc --filter "label=io.planner.project=$1" \
        --filter "label=io.planner.workload=$3")
      pid=$(docker inspect --format '{{.State.Pid}}' "$id")
      set -- nsenter --target "$pid" --net ss
      own=''
      ;;
    systemd)
      pid=$(systemctl show --property=MainPID --value "planner-$1-$3.service")
      set -- ss
      own="pid=$pid,"
      ;;
  esac
  [ "$pid" -gt 0 ] || return 1
  {
    "$@" -Htnlp | grep -F -e "$own"
    "$@" -Htni state established
  } | awk -v quiet=5000 '
    $1 == "LISTEN" { sub(/.*:/, "", $4); ports[$4]; next }
    !/lastack:/ { sub(/.*:/, "", $3); mine = $3 in ports; next }
    mine { # parts of one answer come closer together than quiet
      out = in_ = sent = received = 0
      for (n = 1; n <= NF; n++) {
        if (sub(/^lastsnd:/, "", $n)) out = $n
        if (sub(/^lastrcv:/, "", $n)) in_ = $n
        if (sub(/^bytes_sent:/, "", $n)) sent = $n
        if (sub(/^bytes_received:/, "", $n)) received = $n
      }
      # the first request comes in the moment in which the connection begins
      if (in_ < out || out < quiet || (received && !sent)) found = 1
    }
    END { exit !found }'
}
