# shellcheck shell=bash
# The Debian packages Hall needs, in one place; sourced by run.sh and test.sh, with
# phases.sh. The names hold for Debian 12 and 13.

# shellcheck disable=SC2034  # used by whoever sources this file
BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config libmosquitto-dev libcivetweb-dev libcjson-dev
  libsystemd-dev libjs-chart.js gzip libcurl4-openssl-dev libsqlite3-dev libsodium-dev libssl-dev)
# shellcheck disable=SC2034
PACKAGING_PACKAGES=(dpkg-dev apt-utils file)
# shellcheck disable=SC2034
DEMO_PACKAGES=(mosquitto mosquitto-clients iproute2 util-linux python3 python3-paho-mqtt python3-dbusmock dbus tzdata)
# shellcheck disable=SC2034
TEST_PACKAGES=(clang clang-format clang-tidy libclang-rt-dev libcmocka-dev shellcheck python3-pytest python3-pytest-xdist
  python3-jsonschema python3-jinja2 python3-yaml python3-grpcio jq sqlite3
  python3-selenium openssh-client openssh-server python3-dbusmock dbus systemd docker.io busybox-static
  chromium chromium-driver nginx-light caddy haproxy python3-pip openssl tshark curl wget git
  node-mqtt rabbitmq-server zsh groff-base mandoc lintian gnupg
  qemu-system-x86 debootstrap systemd-container e2fsprogs cpio xz-utils)
# What cmake/portable needs besides.
# shellcheck disable=SC2034
PORTABLE_PACKAGES=(dpkg-dev libssl-dev libcrypt-dev rpm)
# What builds for an architecture of Debian's elsewhere.
# shellcheck disable=SC2034
declare -A CROSS_COMPILERS=([amd64]=gcc-x86-64-linux-gnu [arm64]=gcc-aarch64-linux-gnu [armhf]=gcc-arm-linux-gnueabihf)
# shellcheck disable=SC2034
CROSS_PACKAGES=(gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf qemu-user-static)

# Puts into the array `missing` which of the packages are not installed.
packages_missing() {
  local package
  missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
}

# Installs what is missing of the packages named; asks nothing but sudo's password. No service is started, stopped or enabled by
# it: their packages find .ci/no-services first in dpkg's PATH. That ends with dpkg, however it ends.
packages_install() {
  local missing as_root=() folder
  folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian: install the equivalents of these packages yourself: $*" >&2
    return 1
  fi
  packages_missing "$@"
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      printf 'Missing packages, and neither root nor sudo to install them. As root:\n  apt-get install %s\n' \
        "${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
    sudo true || return 1 # asks for the password before the line of the phase
  fi
  phase "Installing ${#missing[@]} packages" "$folder/../build/packages.log" packages_get "$folder/no-services"
}

# Root must be able to run what stands in the way of services: it may not read every user's folders.
packages_get() { # FOLDER, with `missing` and `as_root` of the caller
  local path=/usr/sbin:/usr/bin:/sbin:/bin
  echo "Missing: ${missing[*]}"
  if [[ $1 == *:* ]] || ! "${as_root[@]}" "$1/invoke-rc.d"; then
    echo "root cannot use $1, which keeps services from being started. Clone Hall into another folder, or install" \
      "the packages yourself: apt-get install ${missing[*]}"
    return 1
  fi
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -y -qq --no-install-recommends \
      -o "DPkg::Path=$1:$path" "${missing[@]}"
}
