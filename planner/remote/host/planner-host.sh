#!/bin/sh
# planner-host: runs planner's own scripts as root, for a user who may run nothing else as root.
# It takes the command that planner would give to sudo, and refuses every other: a script must be one
# of those below, and work on the folders of planner and on no others. Owned by root, written once.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset ENV BASH_ENV CDPATH IFS
BASE=/var/lib/planner UNITS=/etc/systemd/system LOCKS=/run/planner

# SHA-256 of each script, without the line break at its end
SCRIPTS='@SCRIPTS@'
GUARD=@GUARD@
PUT=@PUT@
WATCH=@WATCH@
GO_BACK=@GO_BACK@
ACTIVATE=@ACTIVATE@

refuse() {
  echo "planner-host refuses this: $1" >&2
  exit 77
}

digest() { printf %s "$(printf %s "$1")" | sha256sum | cut -d ' ' -f 1; }

project() {
  case $1 in '' | -* | *[!a-z0-9-]*) refuse 'that is no name of a project' ;; esac
}

# What a script works on stands before its other arguments.
places() {
  case ${1-} in
    "$BASE")
      [ "${2-}" = "$UNITS" ] || refuse 'that is not the folder of units'
      project "${3-}"
      ;;
    "$LOCKS") project "${2-}" ;;
    *) refuse 'that is no folder of planner' ;;
  esac
}

# A file that is being sent, right in the folder for them.
incoming() {
  rest=${1#"$BASE/"}
  [ "$rest" != "$1" ] || refuse 'that is no folder of planner'
  project "${rest%%/*}"
  name=${rest#*/incoming/}
  [ "$rest" = "${rest%%/*}/incoming/$name" ] || refuse 'that is not where files arrive'
  case $name in '' | .* | */*) refuse 'that is not where files arrive' ;; esac
}

known() {
  sum=$(digest "$1")
  case " $SCRIPTS " in
    *" $sum "*) ;;
    *) refuse 'it does not know that script; is planner newer? Install it again: planner hosts sudoers' ;;
  esac
}

# What a script is given besides: names, digests and numbers. No word leads out of planner's folders,
# and what a watch is to run later are the scripts that planner gives it.
words() {
  sum=$(digest "$1")
  shift
  if [ "$sum" = "$WATCH" ]; then
    [ $# = 8 ] && [ "$(digest "$7")" = "$GO_BACK" ] && [ "$(digest "$8")" = "$ACTIVATE" ] ||
      refuse 'that is no watch of planner'
    set -- "$1" "$2" "$3" "$4" "$5" "$6"
  fi
  for word in "$@"; do
    case $word in
      "$BASE" | "$UNITS" | "$LOCKS") ;;
      /*) refuse 'that is no folder of planner' ;;
    esac
    case /$word/ in */../*) refuse 'that leads out of the folders of planner' ;; esac
  done
}

# Changes run under a guard, which takes the command itself as arguments.
[ $# -ge 4 ] || refuse 'that is no command of planner'
if [ "$1 $2 $4" = 'sh -c sh' ] && text=$(printf %s "$3") && [ "$(digest "$text")" = "$GUARD" ]; then
  [ $# -ge 13 ] || refuse 'that is no command of planner'
  [ "$5" = "$LOCKS" ] || refuse 'that is no folder of planner'
  project "$6"
  [ "$9" = "$BASE" ] || refuse 'that is no folder of planner'
  guard=$text locks=$5 name=$6 token=$7 seconds=$8
  shift 9
  guarded=yes
else
  guarded=no
fi

case "$1 $2" in
  'sh -s')
    [ "$3" = -- ] || refuse 'that is no command of planner'
    text=$(cat)
    known "$text"
    shift 3
    places "$@"
    words "$text" "$@"
    set -- sh -c "$text" sh "$@"
    exec </dev/null
    ;;
  'sh -c')
    [ "${4-}" = sh ] || refuse 'that is no command of planner'
    text=$(printf %s "$3")
    shift 4
    if [ "$(digest "$text")" = "$PUT" ]; then
      incoming "${1-}"
    else
      known "$text"
      places "$@"
      words "$text" "$@"
    fi
    set -- sh -c "$text" sh "$@"
    ;;
  *) refuse 'that is no command of planner' ;;
esac
if [ "$guarded" = yes ]; then
  if [ "$5" = "$BASE" ] && [ "$7" != "$name" ]; then refuse 'the lock is of another project'; fi
  set -- sh -c "$guard" sh "$locks" "$name" "$token" "$seconds" "$BASE" "$@"
fi
exec "$@"
