# Removes one thing of the project that nothing uses any more.
# Arguments: BASE UNITS PROJECT PLACE
set -eu

main() {
  home=$1/$3 place=$4
  case /$place/ in
    */../*)
      echo "$place leads out of the project" >&2
      return 64
      ;;
  esac
  case $place in
    image/*) remove_image "${place#image/}" ;;
    weights/*/* | adapters/*/*)
      rm -rf "$home/artifacts/$place"
      rmdir "$home/artifacts/${place%/*}" 2>/dev/null || true
      ;;
    roots/* | hub/*) rm -rf "$home/artifacts/$place" ;;
    incoming/* | releases/*) rm -rf "${home:?}/$place" ;;
    secrets/*)
      rm -f "${home:?}/$place"
      # the last one takes the key of the fingerprints along
      set -- "$home/secrets"/*
      if [ ! -e "$1" ]; then rm -rf "$home/secrets"; fi
      ;;
    *)
      echo "$place is nothing of planner's" >&2
      return 64
      ;;
  esac
  rmdir "$home/artifacts/weights" "$home/artifacts/adapters" "$home/artifacts/roots" \
    "$home/artifacts/hub" "$home/artifacts" "$home/incoming" 2>/dev/null || true
}

# An image that was pulled for the project goes with its registry names, unless another project
# has marked it too.
remove_image() {
  docker image inspect "$1" >/dev/null 2>&1 || return 0
  names=$(docker image inspect --format '{{range .RepoDigests}}{{.}} {{end}}' "$1")
  marks=$(docker image inspect --format '{{range .RepoTags}}{{.}} {{end}}' "$1")
  docker rmi "$1" >/dev/null
  for mark in $marks; do
    case $mark in
      "$1") ;;
      planner.local/*) return 0 ;;
    esac
  done
  for name in $names; do
    # still used by a container that is not ours: then it stays
    docker rmi "$name" >/dev/null 2>&1 || true
  done
}

main "$@" </dev/null; exit
