# bash completion for hallctl, which says itself what may stand at the cursor.
# shellcheck shell=bash

_hallctl() {
  local words line=${COMP_LINE:0:COMP_POINT} found
  read -ra words <<<"$line"
  [[ $line != *[[:space:]] ]] || words+=("")
  found=$("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
  if [ "$found" = :files ]; then
    mapfile -t COMPREPLY < <(compgen -f -- "${words[-1]}")
  else
    mapfile -t COMPREPLY < <(compgen -W "$found" -- "${words[-1]}")
  fi
}

complete -F _hallctl hallctl
