# Checks a transferred file and moves it to its place. Exit status 65 when its digest is wrong, 64
# when that is no place of such a file: what was unpacked elsewhere may hold links.
# Arguments: BASE UNITS PROJECT PART SHA256 PLACE
set -eu

main() {
  home=$1/$3 part=$1/$3/incoming/$4 wanted=$5 place=$6
  case /$place/ in
    */../* | /*/*/*/*/) refuse ;;
    /weights/?*/?*/ | /adapters/?*/?*/) ;;
    *) refuse ;;
  esac
  got=$(sha256sum "$part")
  got=${got%% *}
  got=${got#\\}
  if [ "$got" != "$wanted" ]; then
    rm -f "$part"
    echo "SHA-256 is $got instead of $wanted" >&2
    return 65
  fi
  folder=$home/artifacts/${place%/*}
  mkdir -p "$folder"
  chmod 0755 "$home/artifacts" "${folder%/*}" "$folder"
  chmod 0444 "$part"
  sync "$part"
  mv -T "$part" "$home/artifacts/$place"
}

refuse() {
  echo "$place is no place of a file" >&2
  exit 64
}

main "$@" </dev/null; exit
