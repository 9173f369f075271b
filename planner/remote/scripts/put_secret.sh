# Puts a secret at its place, for one user alone: a line with its size, then its bytes, are read
# from standard input. The workloads that read it are marked until they have started again.
# Arguments: BASE UNITS PROJECT PLACE OWNER WORKLOAD...
set -eu

main() {
  home=$1/$3 place=$4 owner=$5 folder=$1/$3/secrets
  shift 5
  case $place in
    secrets/*/* | secrets/.* | *[!a-z0-9@/-]*) refuse "$place is no place of a secret" ;;
    secrets/?*) ;;
    *) refuse "$place is no place of a secret" ;;
  esac
  umask 077
  mkdir -p "$folder/.unread"
  if [ -L "$folder" ]; then refuse "$folder is a link"; fi
  chmod 0700 "$folder"
  key
  read -r size
  rm -rf "$folder/.new"
  # made anew, or not at all: nobody else may have opened it meanwhile
  set -C
  head -c "$size" >"$folder/.new"
  set +C
  if [ "$(stat -c %s "$folder/.new")" != "$size" ]; then refuse "the secret did not arrive whole"; fi
  chown "$owner:$owner" "$folder/.new"
  sync "$folder/.new"
  for workload in "$@"; do : >"$folder/.unread/$workload"; done
  sync -f "$folder"
  mv -T "$folder/.new" "$home/$place"
}

# What fingerprints are made with. It never leaves the host but over SSH, and there into no file.
key() {
  if [ -s "$folder/.key" ]; then return 0; fi
  head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$folder/.key.new"
  echo >>"$folder/.key.new"
  sync "$folder/.key.new"
  mv -T "$folder/.key.new" "$folder/.key"
}

refuse() {
  echo "$1" >&2
  exit 64
}

main "$@"
