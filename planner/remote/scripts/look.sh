# Prints how a workload is: "state restarts detail"; with LINES above 0 its last log lines too. When
# its supervisor has started it again and it runs, detail and log are of how it ended before that.
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
  shown=$(docker inspect --format \
    '{{.State.Status}} {{.RestartCount}} {{.Created}} exit {{.State.ExitCode}}{{if .State.OOMKilled}}, out of memory{{end}} {{.State.Error}}' \
    "$id")
  state=${shown%% *} shown=${shown#* }
  restarts=${shown%% *} shown=${shown#* }
  created=${shown%% *} detail=${shown#* } died=''
  if runs_again running; then
    died=$(timeout 10 docker events --since "$created" --until 0s --filter "container=$id" \
      --filter event=die --format '{{.TimeNano}} {{.Actor.Attributes.exitCode}}' | tail -n 1)
    detail=${died:+exit ${died#* }}
  fi
  echo "$state $restarts $detail"
  [ "$lines" -gt 0 ] || return 0
  if [ -n "$died" ]; then
    nanoseconds=${died% *}
    seconds=${nanoseconds%?????????}
    # --tail would count the lines that --until leaves out
    docker logs --until "$seconds.${nanoseconds#"$seconds"}" "$id" 2>&1 | tail -n "$lines"
  else
    docker logs --tail "$lines" "$id" 2>&1
  fi
}

runs_again() { # runs_again STATE, where STATE is the runtime's word for running
  [ "$state" = "$1" ] && [ "$restarts" -gt 0 ]
}

look_unit() {
  unit=planner-$project-$name.service
  state=missing restarts=0 result=''
  for word in $(systemctl show "$unit" --property=ActiveState,SubState,NRestarts,Result,ExecMainStatus); do
    case $word in
      ActiveState=*) state=${word#*=} ;;
      SubState=auto-restart*) state=restarting ;;
      NRestarts=*) restarts=${word#*=} ;;
      Result=*) result=${word#*=} ;;
      ExecMainStatus=*) result="$result, exit ${word#*=}" ;;
    esac
  done
  # the journal keeps what other versions have said as well, and does not always know which run it
  # was that said something and ended at once: times tell
  TZ=UTC
  export TZ
  began=$(systemctl show "$unit" --property=ExecMainStartTimestamp --value)
  began=${began:-1 hour ago} # it has never come to run
  when=--since
  if runs_again active; then
    when=--until
    result="$(noted UNIT_RESULT), exit $(noted EXIT_STATUS)"
  fi
  echo "$state $restarts $result"
  [ "$lines" -gt 0 ] || return 0
  timeout 10 journalctl --sync 2>/dev/null
  # what it said itself; what systemd says of it only when it never came to say anything
  said=$(journal "_SYSTEMD_UNIT=$unit" --output cat | tail -n "$lines")
  if [ -z "$said" ]; then said=$(journal --unit "$unit" --output cat | tail -n "$lines"); fi
  echo "$said"
}

noted() { # noted FIELD: what systemd wrote down when the unit ended
  journal "UNIT=$unit" --output verbose | sed -n "s/^ *$1=//p" | tail -n 1
}

journal() { # journal WORDS...: what there is of the run, and before it when it is the one before
  journalctl "$@" "$when" "$began" --no-pager --quiet
}

main "$@" </dev/null; exit
