# shellcheck shell=bash
# One line for each phase of run.sh and test.sh; what its programs say goes into a log.

# On a terminal a line is written again and again; in a pipe each is a line of its own.
phase_again() { # TEXT
  if [ -t 2 ]; then printf '\r\033[K%s' "$1" >&2; else printf '%s\n' "$1" >&2; fi
}

# Shows ninja's counter "[n/m] ..." of the lines that come in: each step on a terminal, the quarters in a pipe.
phase_count() { # NAME
  local line of=4 shown=0
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    [ -t 2 ] || [ $((BASH_REMATCH[1] * of / BASH_REMATCH[2])) -gt "$shown" ] || continue
    shown=$((BASH_REMATCH[1] * of / BASH_REMATCH[2]))
    phase_again "$1 ... [${BASH_REMATCH[1]}/${BASH_REMATCH[2]}]"
  done
}

# Runs the command. When it fails: the end of its log, and where all of it is.
phase() { # NAME LOG COMMAND...
  local name=$1 log=$2 start=$SECONDS status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  phase_again "$name ..."
  "$@" 2>&1 | tee "$log" | phase_count "$name" || status=${PIPESTATUS[0]}
  if [ "$status" -ne 0 ]; then
    phase_again "$name failed, status $status. The end of $log:"
    [ ! -t 2 ] || echo >&2
    tail -n 40 "$log" >&2
    return "$status"
  fi
  phase_again "$name: done in $((SECONDS - start)) s"
  [ ! -t 2 ] || echo >&2
}
