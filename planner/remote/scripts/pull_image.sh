# Has the host pull an image by digest, and marks it as pulled for this project.
# Arguments: BASE UNITS PROJECT REFERENCE MARK
set -eu

main() {
  reference=$4 mark=$5
  docker pull "$reference"
  docker tag "$reference" "$mark"
}

main "$@" </dev/null; exit
