# Deletes data for good: the volume, and the folder, by that name, whole.
# Exit status 66 when the host has neither; Docker refuses a volume that something uses.
# Arguments: BASE UNITS PROJECT NAME
set -eu

main() {
  home=$1/$3 project=$3 name=$4 found=no
  case $name in
    '' | .* | *[!A-Za-z0-9_.-]*)
      echo "$name is no name of data" >&2
      return 64
      ;;
  esac
  if [ -d "$home/data/$name" ] && [ ! -L "$home/data/$name" ]; then
    rm -rf "${home:?}/data/$name"
    rmdir "$home/data" "$home" "$1" 2>/dev/null || true
    found=yes
  fi
  if command -v docker >/dev/null 2>&1; then remove_volume; fi
  if [ "$found" = no ]; then
    echo "there is no data named $name" >&2
    return 66
  fi
}

# only a volume that carries the project's mark
remove_volume() {
  for volume in $(docker volume ls --quiet --filter "label=io.planner.project=$project"); do
    if [ "$volume" = "planner-${project}_$name" ]; then
      docker volume rm "$volume" >/dev/null
      found=yes
    fi
  done
}

main "$@" </dev/null; exit
