# The rule that guard.sh and observe.sh share: both begin with these lines.
# Prints the links in the project's folder HOME that planner did not make, one a line. Planner makes
# one, "current", which has a longer name until it is renamed. What engines and archives hold is
# never written through.
# Arguments: HOME
foreign_links() {
  if [ -L "$1" ]; then
    printf '%s\n' "$1"
  elif [ -d "$1" ]; then
    # a line break in a name must not look like another link
    LC_ALL=C find "$1" \( -path "$1/data/*/*" -o -path "$1/artifacts/roots/*/*" \) -prune -o \
      -type l ! \( \( -path "$1/current" -o -path "$1/current.planner-new" \) \
      -lname 'releases/[!.]*' ! -lname 'releases/*/*' \) -print0 | tr '\n\0' '?\n'
  fi
}

