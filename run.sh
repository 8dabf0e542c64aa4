#!/usr/bin/env bash
# Installs what is missing, builds Hall, and runs it. See usage.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
. .ci/phases.sh
. .ci/packages.sh

usage() {
  cat <<'END'
Usage: ./run.sh [OPTION]

Without an option: the demo. A private MQTT broker, Hall, and two simulated servers which sleep until
a magic packet wakes them. It prints what to open and what to type; Ctrl-C ends everything.
What it installs it does not start: no service of the system is touched.

  --once            play one whole cycle without a person: visit, wake, site, download, idle, sleep.
                    Prints the timeline; exit status 0 only if all of it happened
  --lan [ADDRESS]   let other machines of the network open the demo, at this machine's address
                    (behind nginx, if --proxy names no other)
  --history [DAYS]  the demo with a past: a day, or so many, of generated visits, wakes and sleeps
                    for the dashboard
  --proxy KIND      the demo behind a real reverse proxy: nginx, caddy, haproxy or traefik (from PyPI)
  --no-namespaces   the demo's servers stay on loopback, even where network namespaces are permitted
  --config FILE     run Hall itself with this configuration; secrets from the environment or from .env
  --build-only      build, run nothing; the programs are in build/bin
  --help            this text
END
}

complain() {
  printf 'run.sh: %s\nTry ./run.sh --help\n' "$1" >&2
  exit 2
}

mode=demo
config=
proxy_package=
away=
demo_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --once) demo_options+=(--once) ;;
    --lan)
      away=yes
      demo_options+=(--lan)
      if [[ ${2-} =~ ^[0-9]+(\.[0-9]+){3}$ ]]; then
        demo_options+=("$2")
        shift
      fi
      ;;
    --no-namespaces) demo_options+=(--no-namespaces) ;;
    --history)
      demo_options+=(--history)
      if [[ ${2-} =~ ^[0-9]+$ ]]; then
        demo_options+=("$2")
        shift
      fi
      ;;
    --proxy)
      case ${2-} in
        nginx) proxy_package=nginx-light ;;
        caddy) proxy_package=caddy ;;
        haproxy) proxy_package=haproxy ;;
        traefik) proxy_package=python3-pip ;; # Debian has no Traefik: tests/demo/peers.py fetches it
        *) complain "--proxy needs nginx, caddy, haproxy or traefik" ;;
      esac
      demo_options+=(--proxy "$2")
      shift
      ;;
    --build-only) mode=build ;;
    --config)
      [ $# -ge 2 ] || complain "--config needs a file"
      mode=real config=$(readlink -m -- "$OLDPWD/$2")
      case $2 in /*) config=$2 ;; esac
      shift
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) complain "unknown argument: $1" ;;
  esac
  shift
done
[ "${#demo_options[@]}" -eq 0 ] || [ "$mode" = demo ] || complain "${demo_options[*]}: only for the demo"
[ "$mode" != real ] || [ -r "$config" ] || complain "cannot read the configuration $config"

# Who types this through ssh opens pages on another machine: sudo keeps that from us, the shell above it does not.
ssh_connection() {
  local pid=$PPID
  [ -n "${SUDO_USER-}" ] || return 0
  while [ "${pid:-0}" -gt 1 ]; do
    tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^SSH_CONNECTION=//p' | grep . && return
    pid=$(sed -n 's/^PPid:\t//p' "/proc/$pid/status")
  done 2>/dev/null
  return 0
}
export SSH_CONNECTION="${SSH_CONNECTION-$(ssh_connection)}"

packages=("${BUILD_PACKAGES[@]}")
if [ "$mode" = demo ]; then
  packages+=("${DEMO_PACKAGES[@]}")
  [[ " ${demo_options[*]} " == *" --once "* ]] || away=$away$SSH_CONNECTION
  # The sites themselves have addresses that no other machine reaches.
  [ -z "$away" ] || proxy_package=${proxy_package:-nginx-light}
fi
[ -z "$proxy_package" ] || packages+=("$proxy_package")
packages_install "${packages[@]}"

# One at a time. The tests too where ./test.sh asked for them, else only what is installed.
build() (
  options=()
  exec 8>build/lock && flock 8 || exit
  [ -f build/CMakeCache.txt ] || options=(-DHALL_TESTS=OFF)
  export NINJA_STATUS='[%f/%t] '
  cmake --preset release "${options[@]}" && cmake --build --preset release
)
phase "Building Hall" build/build.log build

# Sets what .env says and the environment does not: plain NAME=value lines, as systemd's EnvironmentFile reads them.
load_env() {
  local line name value
  while IFS= read -r line || [ -n "$line" ]; do
    [[ $line =~ ^[[:space:]]*([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
    name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
    [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]] && value=${BASH_REMATCH[1]}
    [ -n "${!name+set}" ] || export "$name=$value"
  done <.env
}

# Passes Hall's log on, and says where to look once it listens. Its log ends with Hall, not with Ctrl-C.
lead() {
  local line dashboard='' gateway='' words at=''
  trap '' INT TERM HUP
  while IFS= read -r line; do
    printf '%s\n' "$line"
    [ -z "$gateway" ] || [ -z "$dashboard" ] || continue
    [[ $line =~ (the gateway|the dashboard)\ listens\ on\ ([0-9.:]+) ]] || continue
    case ${BASH_REMATCH[1]} in
      "the gateway") gateway=${BASH_REMATCH[2]} ;;
      *) dashboard=${BASH_REMATCH[2]} ;;
    esac
    if [ -z "$gateway" ] || [ -z "$dashboard" ]; then continue; fi
    read -ra words <<<"$SSH_CONNECTION"
    [ "${words[3]-22}" = 22 ] || at="-p ${words[3]} "
    [ "${#words[@]}" -ne 4 ] || printf 'On the machine with the browser: ssh %s-L %s:%s %s@%s\n' \
      "$at" "${dashboard##*:}" "$dashboard" "${SUDO_USER:-$(id -un)}" "${words[2]}"
    printf 'The proxy asks http://%s/ (hallctl proxy-config). Now open http://%s/\n' "$gateway" "${dashboard/#0.0.0.0:/127.0.0.1:}"
  done >&2
}

case $mode in
  build)
    ls -d build/bin/*
    echo "Built; nothing runs. Next: ./run.sh shows the demo, ./run.sh --config FILE runs Hall with your servers," \
      "docs/INSTALL.md makes it a service."
    ;;
  real)
    [ ! -f .env ] || load_env
    exec build/bin/hall --config "$config" 2> >(lead)
    ;;
  demo) exec /usr/bin/python3 tests/demo/demo.py "${demo_options[@]}" ;;
esac
