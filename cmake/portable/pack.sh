#!/usr/bin/env bash
# Builds hall-agent, hall-wol and hallctl for every distribution with glibc 2.34 or newer and systemd. See usage.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source=$(cd "$here/../.." && pwd)
specs=$source/cmake/packaging/rpm

usage() {
  cat <<END
Usage: cmake/portable/pack.sh VERSION FOLDER [ARCH]

Writes to FOLDER, for hall-agent, hall-wol and hallctl:

  NAME-VERSION-linux-MACHINE.tar.gz   unpacks from / : tar -C / -xzf FILE
  NAME-VERSION-1.MACHINE.rpm          for AlmaLinux 9, Fedora and the like; on x86_64 and aarch64

ARCH is a name of Debian's: amd64, arm64 or armhf; without it, this machine's. The trees of the build stay in FOLDER/ARCH.
The same sources and SOURCE_DATE_EPOCH give the same bytes.
END
}

[ $# -eq 2 ] || [ $# -eq 3 ] || { usage >&2 && exit 2; }
version=$1
mkdir -p "$2"
out=$(readlink -f "$2")
native=$(dpkg --print-architecture)
arch=${3:-$native}
case $arch in
  amd64) machine=x86_64 triplet=x86_64-linux-gnu ;;
  arm64) machine=aarch64 triplet=aarch64-linux-gnu ;;
  armhf) machine=armv7l triplet=arm-linux-gnueabihf ;;
  *) usage >&2 && exit 2 ;;
esac
tree=$out/$arch
homepage=$("$here/../owner.sh" HALL_HOMEPAGE)
maintainer=$("$here/../owner.sh" HALL_MAINTAINER)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date +%s -r "$source/CMakeLists.txt")}
# The environment's own flags would make other bytes, and so would names of files that ccache makes relative.
unset CFLAGS CPPFLAGS LDFLAGS CCACHE_BASEDIR
umask 022

build() {
  local static toolchain=()
  static=$("$here/static.sh" "$arch")
  [ "$arch" = "$native" ] || toolchain=(--toolchain "$here/../cross/$arch.cmake")
  cmake -S "$source" -B "$tree/build" -G Ninja "${toolchain[@]}" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHALL_VERSION="$version" \
    -DHALL_PORTABLE=ON -DHALL_STATIC="$static" -DHALL_DAEMON=OFF -DHALL_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr
  cmake --build "$tree/build"
}

# The files of one program, as they are to lie below / .
stage() { # NAME
  rm -rf "${tree:?}/$1"
  DESTDIR=$tree/$1 cmake --install "$tree/build" --component "$1" >/dev/null
  find "$tree/$1/usr/bin" -type f -exec "$triplet-strip" {} +
}

# Folders are left out: those that are there keep their owner and their rights.
pack_tar() { # NAME
  (cd "$tree/$1" && find . ! -type d -printf '%P\0') | LC_ALL=C sort -z |
    tar -C "$tree/$1" --null --no-recursion -T - --owner=0 --group=0 --numeric-owner --format=gnu --mtime="@$SOURCE_DATE_EPOCH" -cf - |
    gzip -9n >"$out/$1-$version-linux-$machine.tar.gz"
}

# rpm finds out by itself which libraries the programs need, and in which version. It cannot work where a folder's name has a
# blank, so it works elsewhere.
pack_rpm() { # NAME
  rm -rf "${rpm:?}"/*
  cp -a "$specs" "$rpm/specs"
  cp -a "$tree/$1" "$rpm/stage"
  mkdir "$rpm/made"
  rpmbuild --quiet -bb --target "$machine" --dbpath "$rpm/db" --define "_topdir $rpm/top" --define "_sourcedir $rpm/specs" \
    --define "_rpmdir $rpm/made" --define "hall_version $version" --define "hall_stage $rpm/stage" \
    --define "hall_homepage $homepage" --define "hall_maintainer $maintainer" \
    --define "_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm" "$rpm/specs/$1.spec"
  mv -f "$rpm/made"/*.rpm "$out"
}

rpm=$(mktemp -d)
trap 'rm -rf "$rpm"' EXIT
build
for name in hall-agent hall-wol hallctl; do
  stage "$name"
  pack_tar "$name"
  [ "$arch" = armhf ] || pack_rpm "$name"
done
