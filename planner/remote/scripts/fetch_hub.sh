# Has the host fetch files of a model repository at a fixed revision, going on where it stopped.
# Prints "bytes N" while it works. Exit status 65 when a digest is wrong, 64 when that is no place of
# such files. What the hub asks for, if
# anything, is the first line of standard input; it is written nowhere.
# Arguments: BASE UNITS PROJECT HUB REPOSITORY REVISION PLACE, then pairs FILE SHA256 ("-": unknown)
set -eu

main() {
  home=$1/$3 hub=$4 repository=$5 revision=$6 place=$1/$3/artifacts/$7
  case $7 in
    hub/*/* | hub/.*) refuse "$7" ;;
    hub/?*) ;;
    *) refuse "$7" ;;
  esac
  shift 7
  token=
  read -r token || true
  mkdir -p "$place.part"
  while [ $# -gt 0 ]; do
    fetch "$1" "$2"
    shift 2
  done
  find "$place.part" -type f -exec chmod 0444 {} +
  find "$place.part" -type d -exec chmod 0755 {} +
  chmod 0755 "$home/artifacts" "${place%/*}"
  sync -f "$place.part"
  mv -T "$place.part" "$place"
}

fetch() {
  file=$place.part/$1
  case /$1/ in */../*) refuse "$1" ;; esac
  # a file that is here under its own name is complete; one under way is named .unfinished
  if [ -e "$file" ]; then return 0; fi
  mkdir -p "${file%/*}"
  status=0
  download "$1" || status=$?
  case $status in
    22 | 33 | 36)
      # the server cannot go on from here, or the file was complete already: from the start, once
      if [ -s "$file.unfinished" ]; then
        rm -f "$file.unfinished"
        status=0
        download "$1" || status=$?
      fi
      ;;
  esac
  if [ "$status" != 0 ]; then
    echo "$1 could not be fetched from $hub/$repository at $revision" >&2
    return "$status"
  fi
  if [ "$2" != - ]; then
    got=$(sha256sum "$file.unfinished")
    got=${got%% *}
    got=${got#\\}
    if [ "$got" != "$2" ]; then
      rm -f "$file.unfinished"
      echo "SHA-256 of $1 is $got instead of $2" >&2
      return 65
    fi
  fi
  mv -T "$file.unfinished" "$file"
}

download() {
  authorization | curl --config - --proto '=http,https' --fail --silent --show-error --location --retry 5 --retry-connrefused --connect-timeout 15 \
    --speed-limit 1 --speed-time 30 --continue-at - --output "$file.unfinished" \
    "$hub/$repository/resolve/$revision/$1" &
  curl=$!
  # when nobody reads what is printed any more, the run is over and the download with it
  trap 'kill "$curl" 2>/dev/null' EXIT HUP PIPE TERM
  while kill -0 "$curl" 2>/dev/null; do
    sleep 0.5
    report
  done
  status=0
  wait "$curl" || status=$?
  trap - EXIT HUP PIPE TERM
  return "$status"
}

# An argument could be read by every user of the host while curl runs.
authorization() {
  if [ -n "$token" ]; then printf 'header = "Authorization: Bearer %s"\n' "$token"; fi
}

report() { echo "bytes $(find "$place.part" -type f -exec stat -c %s {} + | awk '{n += $1} END {print n + 0}')"; }

refuse() {
  echo "$1 is no place of files from a hub" >&2
  exit 64
}

main "$@"
