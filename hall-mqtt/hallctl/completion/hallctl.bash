# bash completion for hallctl: verbs, options, and the servers and projects that Hall has right now.
# shellcheck shell=bash

# Prints what `hallctl complete` says for this command line: its options about the broker go along.
_hallctl_ask() {
  local word take='' broker=()
  for word in "${COMP_WORDS[@]:1}"; do
    if [ -n "$take" ]; then
      broker+=("$take" "$word") take=''
    else
      case $word in
        --broker | --user | --ca | --base | --config) take=$word ;;
      esac
    fi
  done
  "${COMP_WORDS[0]}" "${broker[@]}" complete "$@" 2>/dev/null
}

# Finds the verb and how many operands stand behind it, before the word at the cursor.
_hallctl_scan() {
  local i word skip=''
  verb='' operands=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [ -n "$skip" ]; then
      skip=''
      continue
    fi
    case $word in
      --json | --wait | --force | --help | -h) ;;
      --*=*) ;;
      -*) skip=$word ;;
      *) if [ -z "$verb" ]; then verb=$word; else operands+=("$word"); fi ;;
    esac
  done
  pending=$skip
}

_hallctl_operands() {
  case $verb:${#operands[@]} in
    status:* | watch:*) _hallctl_ask servers ;;
    why:0 | events:0 | stats:0 | wake:0 | sleep:0 | restart:0 | cancel:0 | hold:0 | release:0 | policy:0 | idle:0 | keep-awake:0 | ping:0 | send:0)
      _hallctl_ask servers
      ;;
    policy:1) echo always_on scheduled on_demand configured ;;
    keep-awake:1) echo on off ;;
    projects:0) echo list start stop restart ;;
    projects:1) [ "${operands[0]}" = list ] || _hallctl_ask projects ;;
    proxy-config:0) echo traefik caddy nginx ;;
    help:0) _hallctl_ask verbs ;;
  esac
}

_hallctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} verb operands pending
  COMPREPLY=()
  _hallctl_scan
  case $pending in
    --ca | --config)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
      ;;
    -*) return ;; # the value of an option: nobody knows it
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_hallctl_ask options "$verb")" -- "$cur")
  elif [ -z "$verb" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_hallctl_ask verbs) help" -- "$cur")
  elif [ "$verb" = check ]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$(_hallctl_operands)" -- "$cur")
  fi
}

complete -F _hallctl hallctl
