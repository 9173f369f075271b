# Checks a transferred archive and makes a container image of it: a "docker save" archive is
# loaded, anything else is taken as a root folder. Exit status 65 when its digest is wrong.
# Arguments: BASE UNITS PROJECT PART SHA256 IMAGE
set -eu

main() {
  project=$3 part=$1/$3/incoming/$4 wanted=$5 image=$6
  got=$(sha256sum "$part")
  got=${got%% *}
  got=${got#\\}
  if [ "$got" != "$wanted" ]; then
    rm -f "$part"
    echo "SHA-256 is $got instead of $wanted" >&2
    return 65
  fi
  if tar -tf "$part" | grep -qxE '(\./)?(manifest\.json|oci-layout)'; then
    load
  else
    docker import --change "LABEL io.planner.project=$project" "$part" "$image" >/dev/null
  fi
  rm -f "$part"
}

# The archive brings names of its own; those the host did not have before are taken off again.
load() {
  before=$(docker images --format '{{.Repository}}:{{.Tag}}')
  loaded=$(docker load --quiet --input "$part")
  name=
  oldifs=$IFS
  IFS='
'
  for line in $loaded; do
    name=${line#Loaded image: }
    name=${name#Loaded image ID: }
    docker tag "$name" "$image"
    case "
$before
" in
      *"
$name
"*) ;;
      *) case $name in sha256:*) ;; *) docker rmi "$name" >/dev/null ;; esac ;;
    esac
  done
  IFS=$oldifs
  if [ -z "$name" ]; then
    echo "docker load found no image in the archive" >&2
    return 65
  fi
}

main "$@" </dev/null; exit
