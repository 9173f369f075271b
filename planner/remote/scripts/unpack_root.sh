# Checks a transferred root folder archive and unpacks it at its place.
# Exit status 65 when its digest is wrong, 64 when that is no place of such a folder.
# Arguments: BASE UNITS PROJECT PART SHA256 PLACE
set -eu

main() {
  home=$1/$3 part=$1/$3/incoming/$4 wanted=$5 place=$1/$3/artifacts/$6
  case $6 in
    roots/*/* | roots/.*) refuse "$6" ;;
    roots/?*) ;;
    *) refuse "$6" ;;
  esac
  got=$(sha256sum "$part")
  got=${got%% *}
  got=${got#\\}
  if [ "$got" != "$wanted" ]; then
    rm -f "$part"
    echo "SHA-256 is $got instead of $wanted" >&2
    return 65
  fi
  rm -rf "$place.part"
  mkdir -p "$place.part"
  tar -xpf "$part" -C "$place.part" --numeric-owner
  chmod 0755 "$home/artifacts" "${place%/*}" "$place.part"
  sync -f "$place.part"
  mv -T "$place.part" "$place"
  rm -f "$part"
}

refuse() {
  echo "$1 is no place of a root folder" >&2
  exit 64
}

main "$@" </dev/null; exit
