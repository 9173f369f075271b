# Starts a workload of the current release, puts it in the place of the one that runs once that has
# finished what it is at, or starts it beside another for as long as that is replaced. What stays
# counts as unproven until it was seen to answer, and to be as it was told.
# Arguments: BASE UNITS PROJECT RUNTIME NAME HOW SECONDS, where HOW is "start", "replace" or "surge", and
# SECONDS how long the one that runs may take
set -eu

main() {
  units=$2 home=$1/$3 project=$3 runtime=$4 name=$5 how=$6 from=$1/$3/current
  if [ "$how" = replace ]; then drain "$1" "$project" "$runtime" "$name" "$7"; fi
  if [ "$how" = surge ]; then
    from=$home/current/surge
  else
    mkdir -p "$home/unproven"
    : >"$home/unproven/$name"
  fi
  case $runtime in
    compose) start_container ;;
    systemd) start_unit ;;
  esac
  rm -f "$home/traffic/$name.closed"
  # until then nobody looks for it
  if [ "$how" = surge ]; then : >"$home/traffic/$name.open"; fi
}

# what serves for a while is not started with the host
start_unit() {
  unit=planner-$project-$name.service
  if [ "$how" = surge ]; then
    ln -sfn "$from/units/$unit" "$units/$unit.planner-new"
    mv -T "$units/$unit.planner-new" "$units/$unit"
    systemctl daemon-reload
  fi
  systemctl restart "$unit"
}

# compose is told to touch this one service only, and never to fetch anything by itself
start_container() {
  recreate=
  if [ "$how" = replace ]; then recreate=--force-recreate; fi
  # shellcheck disable=SC2086
  docker compose --project-name "planner-$project" --file "$from/compose.yaml" up \
    --detach --no-deps --no-build --pull never --quiet-pull $recreate "$name"
}

main "$@" </dev/null; exit
