# Switches the project's current link to a release in one rename, and brings systemd's links in
# line with it.
# Arguments: BASE UNITS PROJECT RELEASE
set -eu

main() {
  home=$1/$3 units=$2 project=$3 release=$4
  [ -d "$home/releases/$release" ] || {
    echo "release $release is not on the host" >&2
    return 66
  }
  mkdir -p "$home/traffic"
  link "releases/$release" "$home/current"
  sync -f "$home"
  changed=no
  for unit in "$home/current/units"/*.service; do
    [ -e "$unit" ] || continue
    name=${unit##*/}
    mkdir -p "$units/multi-user.target.wants"
    link "$unit" "$units/$name"
    link "$units/$name" "$units/multi-user.target.wants/$name"
    changed=yes
  done
  for old in "$units/planner-$project-"*.service; do
    # only links of this project that lead nowhere any more: another project may share the prefix
    if [ -L "$old" ] && { [ ! -e "$old" ] || over "$old"; }; then
      case $(readlink "$old") in
        "$home"/*)
          rm -f "$old" "$units/multi-user.target.wants/${old##*/}"
          changed=yes
          ;;
      esac
    fi
  done
  if [ "$changed" = yes ]; then systemctl daemon-reload; fi
}

# what served beside another, and a restart of the host has ended
over() {
  case $(readlink "$1") in "$home"/current/surge/*) ;; *) return 1 ;; esac
  ! systemctl --quiet is-active "${1##*/}"
}

link() {
  ln -sfn "$1" "$2.planner-new"
  mv -T "$2.planner-new" "$2"
}

main "$@" </dev/null; exit
