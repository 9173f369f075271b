# Notes the release to go back to until another is confirmed, and starts a watch on the host that
# goes back to it when the run that takes it out of service is gone for WINDOW seconds. Where systemd
# does not run there is the note only.
# Arguments: BASE UNITS PROJECT LOCKS WINDOW PREVIOUS GO_BACK ACTIVATE, the last two texts of scripts
set -eu

main() {
  base=$1 units=$2 project=$3 locks=$4 window=$5 previous=$6
  echo "$previous" >"$base/$project/pending.new"
  mv -T "$base/$project/pending.new" "$base/$project/pending"
  sync -f "$base/$project"
  [ -d /run/systemd/system ] || return 0
  unit=planner-return-$project.service
  if systemctl --quiet is-active "$unit"; then return 0; fi
  systemctl reset-failed "$unit" 2>/dev/null || true
  folder=$locks/$project.return
  rm -rf "$folder"
  mkdir -m 0700 "$folder"
  printf '%s' "$7" >"$folder/go_back.sh"
  printf '%s' "$8" >"$folder/activate.sh"
  # whatever ends it, also a signal that its own clearing up does not live through
  systemd-run --quiet --collect --unit="$unit" --description="planner $project: way back" \
    --property="ExecStopPost=/bin/rm -rf $folder" \
    sh "$folder/go_back.sh" "$base" "$units" "$project" "$locks" "$window"
}

main "$@" </dev/null; exit
