# Marks a workload that was started and not yet seen to be as it was told, or takes the mark off.
# Arguments: BASE UNITS PROJECT WORKLOAD STATE, where STATE is "started" or "proven".
set -eu

main() {
  marks=$1/$3/unproven workload=$4 state=$5
  case $workload in
    '' | *[!a-z0-9-]*)
      echo "$workload is no workload" >&2
      return 64
      ;;
  esac
  if [ "$state" = started ]; then
    mkdir -p "$marks"
    : >"$marks/$workload"
  else
    rm -f "$marks/$workload"
    rmdir "$marks" 2>/dev/null || true
  fi
}

main "$@" </dev/null
