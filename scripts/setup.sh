# Sourced by scripts/test and scripts/demo: brings in what a fresh Debian or Ubuntu lacks.
# shellcheck shell=bash

# What the farm of test hosts needs from the distribution.
FARM_PACKAGES=(debootstrap systemd-container iproute2 iptables openssh-client xz-utils curl ca-certificates)

say() { printf '%s\n' "$*" >&2; }

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || printf '%s\n' "$package"
  done
}

install_packages() { # needs root; quiet unless it fails
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  say "installing: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "apt-get failed; the whole log is $log"
    return 1
  fi
  rm -f "$log"
}

python_ok() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local name
  for name in python3 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null && python_ok "$name"; then
      command -v "$name"
      return
    fi
  done
  return 1
}

# make_venv LOCK: .venv holds exactly what LOCK lists, and planner itself, editable
make_venv() {
  local lock=$1 python stamp want
  stamp=.venv/.installed want=$(sha256sum "$lock" pyproject.toml | sha256sum)
  if [[ -x .venv/bin/planner && $(cat "$stamp" 2>/dev/null) == "$want" ]]; then return; fi
  if [[ $EUID -eq 0 ]] && { ! find_python >/dev/null || ! "$(find_python)" -c 'import ensurepip, venv' 2>/dev/null; }; then
    install_packages python3 python3-venv
  fi
  python=$(find_python) || {
    say "planner needs Python 3.11 or newer: apt-get install python3 python3-venv"
    return 1
  }
  say "installing planner and its locked dependencies into .venv"
  [[ -x .venv/bin/python ]] || "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
  printf '%s\n' "$want" >"$stamp"
}
