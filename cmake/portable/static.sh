#!/usr/bin/env bash
# Makes the static libraries that a portable Hall is linked with and that Debian has only as shared ones, from Debian's own
# sources, and prints the name of their folder. Nothing of this machine is changed: apt keeps what it fetches in a folder of
# its own. See usage.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

usage() {
  cat <<END
Usage: cmake/portable/static.sh [--fresh] [ARCH]

ARCH is a name of Debian's: amd64, arm64 or armhf; without it, this machine's. libmosquitto, cJSON and a libcurl that knows
HTTP alone are built from the sources of this machine's release, which apt fetches and checks by Debian's signatures. This
is done once, and again when the packages of this machine that hold them have been upgraded. The folder:

  \${XDG_CACHE_HOME:-~/.cache}/hall/static/RELEASE-ARCH

  --fresh   fetches the sources as they are today
END
}

# One line for each place where this machine's apt has the release from.
sources() {
  # shellcheck disable=SC2016  # apt's own words
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    while read -r uri suite component; do
      [[ $suite != "$release"* || $component != main ]] ||
        echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
    done | sort -u
}

# apt's settings; proxies and the like still come from /etc/apt.
settings() {
  cat <<END
APT::Sandbox::User "root";
Dir::State "$work/apt";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
END
}

fetch() {
  mkdir -p "$work"/apt/{lists,cache/archives}/partial "$work/source"
  touch "$work/apt/status"
  sources >"$work/apt/sources.list"
  [ -s "$work/apt/sources.list" ] || { echo "apt has no source of $release main: see /etc/apt/sources.list.d" >&2 && return 1; }
  settings >"$work/apt/apt.conf"
  APT_CONFIG=$work/apt/apt.conf apt-get update -qq
  (cd "$work/source" && APT_CONFIG=$work/apt/apt.conf apt-get source -qq mosquitto cjson curl)
}

make_mosquitto() {
  make -s -j"$jobs" -C "$work"/source/mosquitto-*/lib CC="$cc" AR="$ar" CROSS_COMPILE= CFLAGS="$flags" WITH_SHARED_LIBRARIES=no \
    WITH_STATIC_LIBRARIES=yes WITH_CJSON=no libmosquitto.a
  cp "$work"/source/mosquitto-*/lib/libmosquitto.a "$work/made/lib/"
  cp "$work"/source/mosquitto-*/include/{mosquitto,mqtt_protocol}.h "$work/made/include/"
}

make_cjson() {
  # shellcheck disable=SC2086  # several words
  "$cc" $flags -c "$work"/source/cjson-*/cJSON.c -o "$work/cJSON.o"
  "$ar" crD "$work/made/lib/libcjson.a" "$work/cJSON.o"
  mkdir "$work/made/include/cjson"
  cp "$work"/source/cjson-*/cJSON.h "$work/made/include/cjson/"
}

# Where the certificates of authorities are is told to OpenSSL (base/authorities.h), so libcurl has no place of its own.
make_curl() {
  local off=() name toolchain=()
  for name in BUILD_SHARED_LIBS BUILD_CURL_EXE BUILD_TESTING ENABLE_MANUAL CURL_ZLIB CURL_BROTLI CURL_ZSTD USE_NGHTTP2 \
    USE_LIBIDN2 CURL_USE_LIBSSH2 CURL_USE_LIBSSH CURL_USE_LIBPSL CURL_USE_GSSAPI; do
    off+=("-D$name=OFF")
  done
  [ "$arch" = "$native" ] || toolchain=(--toolchain "$here/../cross/$arch.cmake")
  cmake -S "$work"/source/curl-*/ -B "$work/curl" -G Ninja "${toolchain[@]}" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$flags" \
    "${off[@]}" -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DCURL_DISABLE_LDAP=ON -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none \
    -DCURL_CA_FALLBACK=ON
  ninja -C "$work/curl" -j"$jobs" lib/libcurl.a
  cp "$work/curl/lib/libcurl.a" "$work/made/lib/"
  cp -r "$work"/source/curl-*/include/curl "$work/made/include/"
}

fetch_and_make() {
  fetch
  mkdir -p "$work"/made/{lib,include}
  make_mosquitto
  make_cjson
  make_curl
  (cd "$work/source" && ls -- *.dsc) >"$work/made/sources"
  echo "$key" >"$work/made/.made"
}

fresh=
[ "${1:-}" != --fresh ] || { fresh=yes && shift; }
native=$(dpkg --print-architecture)
arch=${1:-$native}
case $arch in
  amd64) triplet=x86_64-linux-gnu ;;
  arm64) triplet=aarch64-linux-gnu ;;
  armhf) triplet=arm-linux-gnueabihf ;;
  *) usage >&2 && exit 2 ;;
esac
release=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
folder=${XDG_CACHE_HOME:-$HOME/.cache}/hall/static/$release-$arch
key=$({ cat "${BASH_SOURCE[0]}" && dpkg-query -W libmosquitto-dev libcjson-dev libcurl4-openssl-dev; } | sha256sum | cut -c -16)
mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9
if [ -n "$fresh" ] || [ "$(cat "$folder/.made" 2>/dev/null)" != "$key" ]; then
  jobs=$(nproc)
  cc=$triplet-gcc ar=$triplet-ar sysroot=
  [ "$arch" = "$native" ] || sysroot=$("$here/../cross/sysroot.sh" "$arch")
  work=$(mktemp -d "$folder.XXXXXX")
  trap 'tail -n 20 "$folder.log" >&2; rm -rf "$work"' EXIT
  flags="-O2 -fPIC -fstack-protector-strong -fstack-clash-protection -ffunction-sections -fdata-sections -D_FORTIFY_SOURCE=2"
  flags+=" -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -ffile-prefix-map=$work=. -w${sysroot:+ --sysroot=$sysroot}"
  fetch_and_make >"$folder.log" 2>&1 9>&-
  trap - EXIT
  rm -rf "$folder"
  mv "$work/made" "$folder"
  rm -rf "$work"
fi
echo "$folder"
