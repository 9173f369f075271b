#!/bin/sh
# Stands before llama-server in a test's archive: its context says how it behaves. 2048 ends at
# once, 3072 loads for ever, 4096 answers for 5 seconds; with all others it is the real server.

real=/usr/bin/llama-server.real

main() {
  case $(after --ctx-size "$@") in
    2048)
      echo 'stand-in: out of memory'
      exit 1
      ;;
    3072)
      rm -f /tmp/model && mkfifo /tmp/model # nobody ever writes to it
      exec $real "$@" --model /tmp/model
      ;;
    4096)
      $real "$@" &
      until curl --silent --fail "http://127.0.0.1:$(after --port "$@")/health"; do sleep 0.1; done
      sleep 5
      echo 'stand-in: dies'
      exit 3
      ;;
    *) exec $real "$@" ;;
  esac
}

after() { # after OPTION WORDS...: the word that follows the option
  option=$1
  while [ $# -gt 1 ]; do
    shift
    if [ "$1" = "$option" ]; then echo "$2"; fi
  done
}

main "$@"
