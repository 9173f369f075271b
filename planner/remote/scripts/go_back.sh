# Runs on the host by itself, from watch.sh: waits until the current release is confirmed, and makes
# the one before current again when nobody has held the lock for WINDOW seconds.
# Arguments: BASE UNITS PROJECT LOCKS WINDOW
set -u

main() {
  base=$1 units=$2 project=$3 locks=$4 window=$5
  home=$base/$project lock=$locks/$project.lock work=$locks/$project.work
  trap 'rm -rf "$locks/$project.return"' EXIT
  trap 'exit 0' TERM
  alone=0 seen=no
  while sleep 5; do
    if [ -e "$home/pending" ]; then
      seen=yes
    elif [ $seen = yes ] || free; then
      return 0 # confirmed, or never switched
    fi
    if free; then alone=$((alone + 5)); else alone=0; fi
    if [ -e "$home/pending" ] && [ "$alone" -ge "$window" ]; then
      if take && go_back; then return 0; fi
      exec 8>&- 9>&- # it was taken meanwhile, or something is still at work: the count goes on
    fi
  done
}

# a lock that goes meanwhile is not made anew, and counts as free the next time
free() { [ ! -e "$lock" ] || flock --nonblock 7 7<"$lock"; }

# as lock.sh does, with this process as the holder
take() {
  exec 9>>"$lock"
  flock --nonblock 9 && [ "$lock" -ef /proc/self/fd/9 ] || return 1
  exec 8>>"$work"
  flock --nonblock 8 || return 1
  printf '%s\n%s\n%s\n' "return-$$" $$ 'the host itself: its last run was cut off, it goes back' \
    >"$lock"
}

go_back() {
  previous=
  read -r previous <"$home/pending"
  echo "the run that switched from release $previous is gone: going back to it"
  stop_strangers
  sh "$locks/$project.return/activate.sh" "$base" "$units" "$project" "$previous" || return 1
  if [ -e "$home/current/compose.yaml" ]; then containers || return 1; fi
  services
  rm -f "$home/traffic"/*
  rm -f "$home/pending" "$work" "$lock" # the lock last: the next run counts on what it finds
}

# units that the release does not have
stop_strangers() {
  for link in "$units/planner-$project-"*.service; do
    [ -L "$link" ] || continue
    case $(readlink "$link") in "$home"/*) ;; *) continue ;; esac
    [ -e "$home/releases/$previous/units/${link##*/}" ] || systemctl stop "${link##*/}"
    case $(readlink "$link") in "$home"/current/surge/*) rm -f "$link" ;; esac
  done
}

# compose replaces the containers that differ, and removes those that the file does not have
containers() {
  docker compose --project-name "planner-$project" --file "$home/current/compose.yaml" up \
    --detach --no-build --pull never --quiet-pull --remove-orphans || return 1
  for name in $(docker ps --all --filter "label=io.planner.project=$project" \
    --format '{{.Label "io.planner.workload"}}'); do
    unproven "$name"
  done
}

services() {
  for file in "$home/current/units"/*.service; do
    [ -e "$file" ] || continue
    unit=${file##*/}
    pid=$(systemctl show --property=MainPID --value "$unit")
    wanted=$(grep -o 'PLANNER_DIGEST=[0-9a-f]*' "$file")
    if [ "$pid" != 0 ] && grep -qsazF -- "$wanted" "/proc/$pid/environ"; then continue; fi
    name=${unit#"planner-$project-"}
    unproven "${name%.service}"
    systemctl restart "$unit"
  done
}

# nobody has seen it answer since
unproven() {
  mkdir -p "$home/unproven"
  : >"$home/unproven/$1"
}

main "$@" </dev/null; exit
