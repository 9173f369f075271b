# Removes everything that carries the project's mark. Arguments: BASE UNITS PROJECT
# Volumes stay: they hold data, which only its owner may give up.
set -eu

main() {
  home=$1/$3 units=$2 project=$3
  systemctl stop "planner-return-$project.service" 2>/dev/null || true
  remove_units
  if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then remove_docker; fi
  rm -rf "$home/current" "$home/releases" "$home/artifacts" "$home/incoming" "$home/secrets" \
    "$home/unproven" "$home/traffic" "$home/pending" "$home/pending.new"
  rmdir "$home" "$1" 2>/dev/null || true
}

remove_units() {
  found=no
  for link in "$units/planner-$project-"*.service; do
    [ -L "$link" ] || continue
    case $(readlink "$link") in "$home"/*) ;; *) continue ;; esac
    unit=${link##*/}
    systemctl stop "$unit" 2>/dev/null || true
    systemctl reset-failed "$unit" 2>/dev/null || true
    rm -f "$link" "$units/multi-user.target.wants/$unit"
    found=yes
  done
  if [ "$found" = yes ]; then systemctl daemon-reload; fi
}

remove_docker() {
  label=label=io.planner.project=$project
  composed=label=com.docker.compose.project=planner-$project
  ids=$(docker ps --all --quiet --filter "$label")
  # shellcheck disable=SC2086
  if [ -n "$ids" ]; then docker rm --force $ids >/dev/null; fi
  networks=$(docker network ls --quiet --filter "$composed")
  # shellcheck disable=SC2086
  if [ -n "$networks" ]; then docker network rm $networks >/dev/null; fi
  for image in $(docker images --format '{{.Repository}}:{{.Tag}}' "planner.local/$project"); do
    names=$(docker image inspect --format '{{range .RepoDigests}}{{.}} {{end}}' "$image")
    docker rmi "$image" >/dev/null
    for name in $names; do docker rmi "$name" >/dev/null 2>&1 || true; done
  done
}

main "$@" </dev/null; exit
