#!/usr/bin/env bash
# Installs what is missing, builds Hall, and runs it. See usage.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
. .ci/packages.sh

usage() {
  cat <<'END'
Usage: ./run.sh [OPTION]

Without an option: the demo. A private MQTT broker, Hall, and two simulated servers which sleep until
a magic packet wakes them. It prints what to open and what to type; Ctrl-C ends everything.

  --once            play one whole cycle without a person: visit, wake, site, download, idle, sleep.
                    Prints the timeline; exit status 0 only if all of it happened
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
demo_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --once) demo_options+=(--once) ;;
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

packages=("${BUILD_PACKAGES[@]}")
[ "$mode" != demo ] || packages+=("${DEMO_PACKAGES[@]}")
[ -z "$proxy_package" ] || packages+=("$proxy_package")
packages_install "${packages[@]}"

mkdir -p build
echo "Building Hall ..." >&2
log=build/build.log
# One at a time. The tests too where ./test.sh asked for them, else only what is installed.
build() (
  options=()
  exec 8>build/lock && flock 8 || exit
  [ -f build/CMakeCache.txt ] || options=(-DHALL_TESTS=OFF)
  cmake --preset release "${options[@]}" && cmake --build --preset release
)
if ! build >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "run.sh: the build failed; the whole log is $log" >&2
  exit 1
fi

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

case $mode in
  build) ls -d build/bin/* ;;
  real)
    [ ! -f .env ] || load_env
    exec build/bin/hall --config "$config"
    ;;
  demo) exec /usr/bin/python3 tests/demo/demo.py "${demo_options[@]}" ;;
esac
