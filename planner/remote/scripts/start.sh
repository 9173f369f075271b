# Starts a workload of the current release, or puts it in the place of the one that runs. It counts
# as unproven until it was seen to answer, and to be as it was told.
# Arguments: BASE UNITS PROJECT RUNTIME NAME REPLACE, where REPLACE is "replace" or "start".
set -eu

main() {
  home=$1/$3 project=$3 runtime=$4 name=$5 replace=$6
  mkdir -p "$home/unproven"
  : >"$home/unproven/$name"
  case $runtime in
    compose) start_container ;;
    systemd) systemctl restart "planner-$project-$name.service" ;;
  esac
}

# compose is told to touch this one service only, and never to fetch anything by itself
start_container() {
  recreate=
  if [ "$replace" = replace ]; then recreate=--force-recreate; fi
  # shellcheck disable=SC2086
  docker compose --project-name "planner-$project" --file "$home/current/compose.yaml" up \
    --detach --no-deps --no-build --pull never --quiet-pull $recreate "$name"
}

main "$@" </dev/null; exit
