# Starts a watch on the host that takes it back to the last confirmed release when the run that
# switched away from it is gone for WINDOW seconds. Does nothing where systemd does not run.
# Arguments: BASE UNITS PROJECT LOCKS WINDOW GO_BACK ACTIVATE, the last two the texts of scripts
set -eu

main() {
  base=$1 units=$2 project=$3 locks=$4 window=$5
  [ -d /run/systemd/system ] || return 0
  unit=planner-return-$project.service
  if systemctl --quiet is-active "$unit"; then return 0; fi
  systemctl reset-failed "$unit" 2>/dev/null || true
  folder=$locks/$project.return
  rm -rf "$folder"
  mkdir -m 0700 "$folder"
  printf '%s' "$6" >"$folder/go_back.sh"
  printf '%s' "$7" >"$folder/activate.sh"
  # whatever ends it, also a signal that its own clearing up does not live through
  systemd-run --quiet --collect --unit="$unit" --description="planner $project: way back" \
    --property="ExecStopPost=/bin/rm -rf $folder" \
    sh "$folder/go_back.sh" "$base" "$units" "$project" "$locks" "$window"
}

main "$@" </dev/null; exit
