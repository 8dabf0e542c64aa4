#!/usr/bin/env bash
# Builds Hall's packages. See usage.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
. .ci/phases.sh
. .ci/packages.sh

usage() {
  cat <<'END'
Usage: ./package.sh [OPTION...]

Installs what the build needs, builds Hall, and writes to build/packages: hall, hallctl, hall-agent, hall-wol for this release of
Debian, on one architecture; hall-agent, hall-wol and hallctl for other distributions, as tarballs and RPMs; hall-enroll, from
which "hallctl enroll" takes the agent. The same sources give the same bytes, wherever they lie.

  --arch ARCH  the architecture of the packages for Debian: amd64, arm64 or armhf. Without it, this machine's
  --agents ARCH,...
               the architectures of the servers, for which hall-enroll has an agent: amd64, arm64, armhf. Without it, that of --arch
               and amd64; none: only the packages for this release
  --repo DIR   write a repository for apt to DIR as well; DIR may be there, and gets the new packages
  --sign KEY   sign that repository with this key of gpg, and put its public half beside: hall.asc
  --help       this text

HALL_VERSION and SOURCE_DATE_EPOCH are taken from the environment; else from the last tag, the last commit.
END
}

complain() {
  printf 'package.sh: %s\nTry ./package.sh --help\n' "$1" >&2
  exit 2
}

repository=
key=
arch=
agents=()
while [ $# -gt 0 ]; do
  case $1 in
    --repo | --sign | --arch | --agents)
      [ -n "${2-}" ] || complain "$1 needs a value"
      case $1 in
        --arch) arch=$2 ;;
        --agents) IFS=, read -ra agents <<<"$2" ;;
        --repo) repository=$(cd "$called_from" && readlink -m -- "$2") ;;
        --sign) key=$2 ;;
      esac
      shift
      ;;
    --help | -h)
      usage
      exit
      ;;
    *) complain "unknown argument: $1" ;;
  esac
  shift
done
[ -z "$repository" ] || { mkdir -p "$repository" && [ -w "$repository" ]; } ||
  complain "--repo: you cannot write to $repository: sudo install -d -o \"\$USER\" $repository"
[ -z "$key" ] || [ -n "$repository" ] || complain "--sign needs --repo"
[ -z "$key" ] || gpg --batch --list-secret-keys "$key" >/dev/null 2>&1 || complain "gpg has no secret key $key"

native=$(dpkg --print-architecture 2>/dev/null) || complain "this machine has no dpkg: the packages are built on Debian"
arch=${arch:-$native}
out=$PWD/build/packages
log=$out/build.log

# Runs a step quietly, up to the first of its commands that fails; then shows the end of its words.
step() { # WHAT COMMAND...
  local status
  echo "$1 ..." >&2
  set +e # in a condition, set -e would hold for no command of the step
  (set -e && "${@:2}") >>"$log" 2>&1
  status=$?
  set -e
  [ "$status" -ne 0 ] || return 0
  tail -n 40 "$log" >&2
  echo "package.sh: failed: $1; the whole log is $log" >&2
  exit 1
}

last_commit() { git -c safe.directory="$PWD" log -1 --format=%ct 2>/dev/null || date +%s -r CMakeLists.txt; }

build_debs() ( # FOLDER OF THE BUILD
  local toolchain=()
  umask 022
  # The environment's own flags would make other bytes, and so would names of files that ccache makes relative.
  unset CFLAGS CPPFLAGS LDFLAGS CCACHE_BASEDIR
  if [ "$arch" != "$native" ]; then
    cmake/cross/sysroot.sh "$arch"
    toolchain=(--toolchain "$PWD/cmake/cross/$arch.cmake")
  fi
  cmake -S . -B "$1" -G Ninja "${toolchain[@]}" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHALL_TESTS=OFF -DHALL_VERSION="$version"
  cmake --build "$1"
)

pack_debs() ( # FOLDER OF THE BUILD
  local sysroot
  umask 022
  if [ "$arch" != "$native" ]; then
    sysroot=$(cmake/cross/sysroot.sh "$arch")
    export DPKG_ADMINDIR=$sysroot/var/lib/dpkg DEB_HOST_ARCH=$arch # dpkg-shlibdeps reads both
  fi
  cd "$1"
  rm -rf packages
  cpack --config CPackConfig.cmake
  mv -f packages/*.deb "$out"
)

# A folder with Packages and Release, as "deb [trusted=yes] file:DIR ./" or, signed, over HTTPS reads it.
write_repository() (
  cp "$out"/*.deb "$repository"
  cd "$repository"
  rm -f Release Release.gpg InRelease
  apt-ftparchive packages . >Packages
  gzip -9nkf Packages
  apt-ftparchive -o APT::FTPArchive::Release::Origin=Hall -o APT::FTPArchive::Release::Label=Hall \
    -o APT::FTPArchive::Release::Suite=hall release . >Release.new
  mv Release.new Release
  [ -n "$key" ] || exit 0
  gpg --batch --yes --local-user "$key" --clearsign --output InRelease Release
  gpg --batch --yes --local-user "$key" --armor --detach-sign --output Release.gpg Release
  gpg --batch --yes --armor --output hall.asc --export "$key"
)

# An architecture, and what builds for it on this machine.
needs() { # OPTION ARCH
  [[ $2 =~ ^(amd64|arm64|armhf)$ ]] || complain "$1: unknown architecture: $2"
  [ "$2" = "$native" ] || needed+=("${CROSS_COMPILERS[$2]}")
}

[ "${#agents[@]}" -gt 0 ] || agents=("$arch" amd64)
mapfile -t agents < <(printf '%s\n' "${agents[@]}" | sort -u)
needed=("${BUILD_PACKAGES[@]}" "${PACKAGING_PACKAGES[@]}")
if [ "$arch" != "$native" ]; then
  needs --arch "$arch"
  needed+=(qemu-user-static) # the build runs Hall, which writes a page of the manual
fi
if [ "${agents[*]}" = none ]; then agents=(); else needed+=("${PORTABLE_PACKAGES[@]}"); fi
for agent in "${agents[@]}"; do
  needs --agents "$agent"
done
packages_install "${needed[@]}"
mkdir -p "$out"
exec 8>"$out/lock" && flock 8 # one at a time
: >"$log"
rm -f "$out"/*.deb "$out"/*.rpm "$out"/*.tar.gz
version=${HALL_VERSION:-$(cmake/version.sh)}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(last_commit)}
HALL_HOMEPAGE=$(cmake/owner.sh HALL_HOMEPAGE)
HALL_MAINTAINER=$(cmake/owner.sh HALL_MAINTAINER)
export HALL_HOMEPAGE HALL_MAINTAINER
step "Building Hall $version for $arch" build_debs "$out/tree-$arch"
step "Packing" pack_debs "$out/tree-$arch"
for agent in "${agents[@]}"; do
  step "Building the agent for $agent on any distribution" cmake/portable/pack.sh "$version" "$out" "$agent"
done
[ "${#agents[@]}" -eq 0 ] || step "Packing the agents" cmake/packaging/enroll.sh "$version" "$out"
[ -z "$repository" ] || step "Writing the repository" write_repository
find "$out" -maxdepth 1 '(' -name '*.deb' -o -name '*.rpm' -o -name '*.tar.gz' ')' | sort
