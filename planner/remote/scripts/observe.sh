# Prints what a host has of one project, in sections; planner/apply/observed.py reads them.
# It changes nothing, but clears up the lock that a killed run has left. It runs on every plan, and
# so starts as few processes as it can.
# Arguments: BASE UNITS PROJECT LOCKS DEPTH, where DEPTH is "full" or "brief".
set -u
LC_ALL=C
export LC_ALL

main() {
  base=$1 units=$2 project=$3 locks=$4 depth=$5
  home=$base/$project
  settle
  echo '@planner 1'
  [ -d "$home" ] && echo '@folder'
  if cd "$home/current" 2>/dev/null; then
    release=$(pwd -P)
    echo "@release ${release##*/}"
    echo '@files'
    find . -type f -exec sha256sum {} +
    cd /
  else
    # nothing of ours is known to be here: look everywhere, and learn what the host can do
    depth=full
    others
  fi
  releases
  places
  data_folders
  secrets
  links
  echo '@foreign-links'
  foreign_links "$home" | head -n 20
  if [ "$depth" = full ] || any "$home/releases"/*/units; then ask_systemd; fi
  if [ "$depth" = full ] || any "$home/releases"/*/compose.yaml; then ask_docker; fi
  if any "$locks/$project.lock"; then held "$locks/$project.lock"; fi
  machine
  if [ "$depth" = full ]; then versions; fi
  echo '@end'
}

any() { [ -e "$1" ]; }

# projects beside this one: a project that only got another name would begin a second time
others() {
  echo '@others'
  for link in "$base"/*/current; do
    [ -L "$link" ] || continue
    link=${link%/current}
    [ "$link" = "$home" ] || echo "${link##*/}"
  done
}

# what is seen must not change by itself: a command that a killed run has left may not have ended
settle() {
  lock=$locks/$project.lock work=$locks/$project.work
  [ -w "$lock" ] || return 0
  # while somebody holds the lock, the answer says whose it is
  flock --shared --nonblock 7 7<"$lock" || return 0
  if any "$work"; then flock --wait 20 "$work" true || return 0; fi
  # the killed run could not clear up; as lock.sh does, with the lock in hand
  exec 9>>"$lock"
  if flock --nonblock 9 && [ "$lock" -ef /proc/self/fd/9 ]; then
    flock --nonblock "$work" rm -f "$work" "$lock"
  fi
  exec 9>&-
}

# a lock that nobody holds is what a run has left that is gone
held() {
  # it may go meanwhile, and is not made anew
  if flock --shared --nonblock 7 7<"$1" || ! any "$1"; then return 0; fi
  token='' holder=''
  { read -r token && read -r _ && read -r holder; } 2>/dev/null <"$1"
  echo "@lock ${holder:-somebody}"
  echo "@lock-token $token"
}

releases() {
  echo '@releases'
  cd "$home/releases" 2>/dev/null || return 0
  set -- *
  # a single one needs no sorting
  if [ $# -gt 1 ]; then ls -1t; elif any "$1"; then echo "$1"; fi
  echo '@manifests'
  # all in one process, each below a line with its name
  tail -v -n +1 -- */manifest.json 2>/dev/null
  cd /
}

places() {
  echo '@places'
  for path in "$home"/artifacts/weights/*/* "$home"/artifacts/adapters/*/* \
    "$home"/artifacts/roots/* "$home"/artifacts/hub/*; do
    [ -e "$path" ] && echo "${path#"$home/artifacts/"}"
  done
  for path in "$home"/incoming/* "$home"/releases/*.part; do
    [ -e "$path" ] && echo "${path#"$home/"}"
  done
  for path in "$home"/unproven/*; do
    [ -e "$path" ] && echo "@unproven ${path##*/}"
  done
  # what was told to finish what it is at, and is there still, gets no requests
  for path in "$home"/traffic/*.closed; do
    name=${path##*/}
    [ -e "$path" ] && echo "@unproven ${name%.closed}"
  done
  # the sizes of pushed files: one that was cut short is not what was sent
  cd "$home/artifacts" 2>/dev/null && {
    stat -c '@size %s %n' weights/*/* adapters/*/* 2>/dev/null
    cd /
  }
  # the release to go back to while the current one is not confirmed
  if any "$home/pending"; then
    previous=
    read -r previous <"$home/pending"
    echo "@pending $previous"
  fi
}

# Data of units lies in a folder each; that of containers in volumes.
data_folders() {
  echo '@data'
  for path in "$home/data"/*; do
    [ -d "$path" ] && echo "${path##*/}"
  done
  return 0
}

# The fingerprint of each secret, its mode, owner and place; none of them tells its value.
secrets() {
  cd "$home/secrets" 2>/dev/null || return 0
  key=
  read -r key 2>/dev/null <.key
  echo "@secret-key $key"
  echo '@secrets'
  for name in *; do
    [ -f "$name" ] || continue
    sum=$({ printf %s "$key"; cat "$name"; } | sha256sum)
    echo "${sum%% *} $(stat -c '%a %u' "$name") secrets/$name"
  done
  echo '@unread-secrets'
  for mark in .unread/*; do any "$mark" && echo "${mark#*/}"; done
  cd /
}

# one line a unit: its name, whether its link leads into this project's release, whether it starts
# at boot
links() {
  echo '@links'
  for link in "$units/planner-$project-"*.service; do
    [ -L "$link" ] || [ -e "$link" ] || continue
    name=${link##*/} leads=elsewhere starts=no
    if [ -L "$link" ] && [ "$link" -ef "$home/current/units/$name" ]; then
      leads=here
    elif [ -L "$link" ]; then
      case $(readlink "$link") in "$home"/*) leads=nowhere ;; esac
    fi
    [ "$units/multi-user.target.wants/$name" -ef "$link" ] && starts=yes
    echo "$name $leads $starts"
  done
}

ask_systemd() {
  [ -d /run/systemd/system ] || return 0
  echo '@units'
  shown=$(systemctl show "planner-$project-*.service" --no-pager \
    --property=Id,ActiveState,SubState,Result,MainPID,Environment,NRestarts)
  echo "$shown"
  environs=
  for word in $shown; do
    case $word in
      MainPID=0) ;;
      MainPID=*) environs="$environs /proc/${word#MainPID=}/environ" ;;
    esac
  done
  # what a process was started with tells which version runs: its unit may be newer already
  # shellcheck disable=SC2086
  if [ -n "$environs" ]; then
    echo '@environs'
    grep -aHz '^PLANNER_DIGEST=' $environs 2>/dev/null
    echo
  fi
}

ask_docker() {
  command -v docker >/dev/null 2>&1 || return 0
  echo '@containers'
  if ! timeout 20 docker ps --all --no-trunc --filter "label=io.planner.project=$project" --format \
    '{{.ID}}|{{.State}}|{{.Status}}|{{.Label "io.planner.workload"}}|{{.Label "io.planner.digest"}}|{{.Mounts}}' 2>&1
  then
    echo '@docker-silent'
    return 0
  fi
  echo '@volumes'
  timeout 20 docker volume ls --filter "label=io.planner.project=$project" --format '{{.Name}}'
  echo '@images'
  timeout 20 docker images --digests --format '{{.Repository}}|{{.Tag}}|{{.Digest}}'
}

machine() {
  echo '@machine'
  while read -r key value _; do
    if [ "$key" = MemTotal: ]; then
      echo "ram_kib $value"
      break
    fi
  done </proc/meminfo
  [ -d /run/systemd/system ] && echo 'systemd yes'
  command -v curl >/dev/null 2>&1 && echo 'tool curl'
  if command -v docker >/dev/null 2>&1; then
    echo 'docker yes'
    for folder in /usr/libexec /usr/lib /usr/local/libexec /usr/local/lib; do
      [ -x "$folder/docker/cli-plugins/docker-compose" ] && echo 'compose yes'
    done
    [ -x "${HOME:-/root}/.docker/cli-plugins/docker-compose" ] && echo 'compose yes'
  fi
  where=$home
  while [ ! -d "$where" ]; do where=${where%/*}; done
  echo '@disk'
  df -Pk "${where:-/}"
  if command -v nvidia-smi >/dev/null 2>&1; then
    echo '@gpus'
    timeout 20 nvidia-smi --query-gpu=index,uuid,name,memory.total,memory.used \
      --format=csv,noheader,nounits
  fi
}

versions() {
  echo '@versions'
  if [ -d /run/systemd/system ]; then
    echo "systemd $(systemctl --version | { read -r _ number _; echo "$number"; })"
  fi
  if command -v docker >/dev/null 2>&1; then
    echo "docker $(timeout 20 docker version --format '{{.Server.Version}}' 2>/dev/null)"
    echo "compose $(timeout 20 docker compose version --short 2>/dev/null)"
  fi
}

main "$@" </dev/null; exit
