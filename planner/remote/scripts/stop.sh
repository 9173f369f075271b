# Stops a workload once it has finished what it is at, and removes it.
# Arguments: BASE UNITS PROJECT RUNTIME NAME SECONDS, where SECONDS is how long that may take
set -eu

main() {
  units=$2 project=$3 runtime=$4 name=$5
  drain "$1" "$project" "$runtime" "$name" "$6"
  case $runtime in
    compose) stop_container ;;
    systemd) stop_unit ;;
  esac
  rm -f "$1/$project/unproven/$name" "$1/$project/traffic/$name".*
}

stop_container() {
  ids=$(docker ps --all --quiet --filter "label=io.planner.project=$project" \
    --filter "label=io.planner.workload=$name")
  [ -n "$ids" ] || return 0
  # it gets the time its compose file gives it
  # shellcheck disable=SC2086
  docker stop $ids >/dev/null
  # shellcheck disable=SC2086
  docker rm --force $ids >/dev/null
}

stop_unit() {
  unit=planner-$project-$name.service
  systemctl stop "$unit" 2>/dev/null || systemctl kill --signal=KILL "$unit" 2>/dev/null || true
  systemctl reset-failed "$unit" 2>/dev/null || true
  rm -f "$units/$unit" "$units/multi-user.target.wants/$unit"
  systemctl daemon-reload
}

main "$@" </dev/null; exit
