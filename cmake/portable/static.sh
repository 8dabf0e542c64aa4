#!/usr/bin/env bash
# Makes the static libraries that a portable Hall is linked with and that Debian has only as shared ones, from Debian's own
# sources, and prints the name of their folder. Nothing of this machine is changed: apt keeps what it fetches in a folder of
# its own. See usage.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
. cmake/cross/debian.sh

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
  [ "$arch" = "$native" ] || toolchain=(--toolchain "$PWD/cmake/cross/$arch.cmake")
  cmake -S "$work"/source/curl-*/ -B "$work/curl" -G Ninja "${toolchain[@]}" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$flags" \
    "${off[@]}" -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DCURL_DISABLE_LDAP=ON -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none \
    -DCURL_CA_FALLBACK=ON
  ninja -C "$work/curl" -j"$jobs" lib/libcurl.a
  cp "$work/curl/lib/libcurl.a" "$work/made/lib/"
  cp -r "$work"/source/curl-*/include/curl "$work/made/include/"
}

fill() {
  local sysroot='' triplet jobs cc ar flags
  [ "$arch" = "$native" ] || sysroot=$(cmake/cross/sysroot.sh "$arch")
  triplet=$(dpkg-architecture -f -a "$arch" -q DEB_HOST_GNU_TYPE)
  jobs=$(nproc)
  cc=$triplet-gcc ar=$triplet-ar
  flags="-O2 -fPIC -fstack-protector-strong -fstack-clash-protection -ffunction-sections -fdata-sections -D_FORTIFY_SOURCE=2"
  flags+=" -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -ffile-prefix-map=$work=. -w${sysroot:+ --sysroot=$sysroot}"
  begin_apt deb-src
  mkdir -p "$work/source" "$work"/made/{lib,include}
  (cd "$work/source" && own_apt source -qq mosquitto cjson curl)
  make_mosquitto
  make_cjson
  make_curl
  (cd "$work/source" && ls -- *.dsc) >"$work/made/sources"
}

native=$(dpkg --print-architecture)
take_arguments "$native" "$@"
fill_once "$cache/static/$release-$arch" "$(dpkg-query -W libmosquitto-dev libcjson-dev libcurl4-openssl-dev)"
