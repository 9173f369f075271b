# Prints what a host has of one project beyond what a plan needs, for `drift`; changes nothing.
# planner/apply/inspect.py reads it. Arguments: BASE UNITS PROJECT [PORT]...
set -u
LC_ALL=C
export LC_ALL

main() {
  home=$1/$3 units=$2 project=$3
  shift 3
  echo '@planner 1'
  units
  if command -v docker >/dev/null 2>&1 && [ -e "$home/current/compose.yaml" ]; then containers; fi
  echo '@ports'
  for port in "$@"; do listeners "$port"; done
  if command -v nvidia-smi >/dev/null 2>&1; then cards; fi
  echo '@end'
}

# by name: of a pattern systemctl shows only what is loaded, and a stopped unit may not be
units() {
  names=
  for link in "$units/planner-$project-"*.service; do
    if [ -e "$link" ]; then names="$names ${link##*/}"; fi
  done
  if [ -z "$names" ]; then return 0; fi
  echo '@units'
  # shellcheck disable=SC2086
  systemctl show --no-pager --property=Id,FragmentPath,DropInPaths,NeedDaemonReload $names
  # what was laid there since systemd last read its files counts from the next apply on
  echo '@laid'
  for name in $names; do
    for file in "$units/$name.d"/*.conf; do
      if [ -e "$file" ]; then echo "$name|$file"; fi
    done
  done
}

containers() {
  echo '@compose'
  sed 's/^/ /' "$home/current/compose.yaml"
  echo '@containers'
  for id in $(timeout 20 docker ps --all --quiet --filter "label=io.planner.project=$project"); do
    timeout 20 docker inspect --format '{{index .Config.Labels "io.planner.workload"}}|{{.Config.Image}}|{{.Image}}|{{.HostConfig.Memory}}|{{.HostConfig.PidsLimit}}|{{.HostConfig.RestartPolicy.Name}}|{{.HostConfig.Privileged}}|{"ports":{{json .HostConfig.PortBindings}},"cap_add":{{json .HostConfig.CapAdd}},"cap_drop":{{json .HostConfig.CapDrop}},"security_opt":{{json .HostConfig.SecurityOpt}},"mounts":{{json .Mounts}},"user":{{json .Config.User}},"read_only":{{json .HostConfig.ReadonlyRootfs}},"network_mode":{{json .HostConfig.NetworkMode}},"pid":{{json .HostConfig.PidMode}}}' "$id"
  done
  echo '@images'
  for image in $(timeout 20 docker ps --all --filter "label=io.planner.project=$project" \
    --format '{{.Image}}' | sort -u); do
    echo "$image|$(timeout 20 docker image inspect --format '{{.Id}}' "$image" 2>/dev/null)"
  done
}

# who listens on a port: its process and control group
listeners() {
  ss -Hltnp "sport = :$1" | while read -r _ _ _ address _ who; do
    pid=${who#*pid=}
    pid=${pid%%,*}
    name=
    read -r name 2>/dev/null <"/proc/$pid/comm"
    echo "$1|$address|$pid|$name|$(group "$pid")"
  done
}

cards() {
  echo '@cards'
  timeout 20 nvidia-smi --query-compute-apps=gpu_uuid,pid,used_memory \
    --format=csv,noheader,nounits 2>/dev/null | while IFS=', ' read -r uuid pid used; do
    name=
    read -r name 2>/dev/null <"/proc/$pid/comm"
    echo "$uuid|$pid|$used|$name|$(group "$pid")"
  done
}

# its control groups: in version 1 each hierarchy has its own, and only some follow the units
group() {
  paths=
  while IFS=: read -r _ _ path; do paths="$paths $path"; done 2>/dev/null <"/proc/$1/cgroup"
  echo "${paths# }"
}

main "$@" </dev/null; exit
