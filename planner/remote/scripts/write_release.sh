# Unpacks a transferred release beside the current one. The folder appears complete or not at all;
# one that is here already is repaired file by file, each in one rename.
# Arguments: BASE UNITS PROJECT PART RELEASE
set -eu

main() {
  home=$1/$3 part=$1/$3/incoming/$4 release=$1/$3/releases/$5
  umask 022
  mkdir -p "$home/releases"
  # releases are ordered by age: the one that serves now comes right behind the new one, also when
  # a rollback had made an old one current
  if [ -d "$home/current" ]; then touch "$home/current/"; fi
  rm -rf "$release.part"
  mkdir "$release.part"
  tar -xpf "$part" -C "$release.part" --no-same-owner
  sync -f "$release.part"
  if [ -d "$release" ]; then
    repair
    touch "$release"
  else
    mv -T "$release.part" "$release"
  fi
  if [ -d "$home/current" ]; then come_first; fi
  rm -f "$part"
}

# the clock of a file system may tick slower than all of this takes
come_first() {
  tries=0
  until [ "$release" -nt "$home/current/" ] || [ "$release" -ef "$home/current/" ]; do
    [ $((tries += 1)) -le 200 ] || break
    sleep 0.01
    touch "$release"
  done
}

repair() {
  cd "$release"
  find . -type f | while read -r file; do
    [ -e "$release.part/$file" ] || rm -f "$file"
  done
  cd "$release.part"
  find . -type d ! -name . -exec mkdir -p "$release/{}" \;
  find . -type f -exec mv -T "{}" "$release/{}" \;
  cd /
  rm -rf "$release.part"
}

main "$@" </dev/null; exit
