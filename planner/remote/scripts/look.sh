# Prints how a workload is: "state restarts detail"; with LINES above 0 its last log lines too.
# Arguments: BASE UNITS PROJECT RUNTIME NAME LINES
set -u

main() {
  project=$3 runtime=$4 name=$5 lines=$6
  case $runtime in
    compose) look_container ;;
    systemd) look_unit ;;
  esac
}

look_container() {
  ids=$(docker ps --all --quiet --filter "label=io.planner.project=$project" \
    --filter "label=io.planner.workload=$name")
  id=${ids%%[!0-9a-f]*} # the newest comes first
  if [ -z "$id" ]; then
    echo 'missing 0 no such container'
    return 0
  fi
  docker inspect --format \
    '{{.State.Status}} {{.RestartCount}} exit {{.State.ExitCode}}{{if .State.OOMKilled}}, out of memory{{end}} {{.State.Error}}' \
    "$id"
  if [ "$lines" -gt 0 ]; then docker logs --tail "$lines" "$id" 2>&1; fi
}

look_unit() {
  unit=planner-$project-$name.service
  state=missing restarts=0 result=
  for word in $(systemctl show "$unit" --property=ActiveState,SubState,NRestarts,Result,ExecMainStatus); do
    case $word in
      ActiveState=*) state=${word#*=} ;;
      SubState=auto-restart*) state=restarting ;;
      NRestarts=*) restarts=${word#*=} ;;
      Result=*) result=${word#*=} ;;
      ExecMainStatus=*) result="$result, exit ${word#*=}" ;;
    esac
  done
  echo "$state $restarts $result"
  if [ "$lines" -gt 0 ]; then
    # what it said itself; what systemd says of it only when it never came to say anything
    said=$(journalctl "_SYSTEMD_UNIT=$unit" --lines "$lines" --no-pager --quiet --output cat)
    if [ -z "$said" ]; then
      said=$(journalctl --unit "$unit" --lines "$lines" --no-pager --quiet --output cat)
    fi
    echo "$said"
  fi
}

main "$@" </dev/null; exit
