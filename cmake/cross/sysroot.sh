#!/usr/bin/env bash
# Unpacks the libraries that Hall needs of another architecture into a folder of their own, and prints its name. Nothing of
# this machine is changed: apt and dpkg keep what they note of these packages in that folder. See usage.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
. .ci/packages.sh
. cmake/cross/debian.sh

usage() {
  cat <<END
Usage: cmake/cross/sysroot.sh [--fresh] ARCH

ARCH is a name of Debian's: amd64, arm64 or armhf. The release is that of this machine. The folder is made once, and again when
the list of packages changes:

  \$HALL_SYSROOT, or \${XDG_CACHE_HOME:-~/.cache}/hall/sysroot/RELEASE-ARCH

  --fresh   fetches the packages as they are today
END
}

# What is linked to, and so nothing that runs while building.
libraries() {
  local name
  for name in "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${PORTABLE_PACKAGES[@]}"; do
    [[ $name != lib*-dev || $name == libclang* ]] || echo "$name"
  done
}

# Unpacks one package. What is said of it in dpkg's folder is enough for dpkg-shlibdeps, which finds a library here by the name it
# has on this machine.
unpack() { # DEB
  local name info=$work/made/var/lib/dpkg/info control=$work/control file
  rm -rf "$control"
  dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink --no-same-owner -C "$work/made"
  dpkg-deb -e "$1" "$control"
  name=$(dpkg-deb -f "$1" Package)
  [ "$(dpkg-deb -f "$1" Multi-Arch)" != same ] || name=$name:$arch
  for file in symbols shlibs md5sums; do
    [ ! -e "$control/$file" ] || cp "$control/$file" "$info/$name.$file"
  done
  dpkg-deb --fsys-tarfile "$1" | tar -t | awk -v root="$folder" '{ sub("/$", ""); print root substr($0, 2) }' >"$info/$name.list"
  { dpkg-deb -f "$1" | sed '1a Status: install ok installed' && echo; } >>"$work/made/var/lib/dpkg/status"
}

# A link to an absolute name would lead to this machine's own files.
shorten_links() {
  find "$work/made" -type l -lname '/*' -printf '%P\t%l\n' | while IFS=$'\t' read -r link target; do
    ln -sfnr "$work/made$target" "$work/made/$link"
  done
}

fill() {
  local deb
  mkdir -p "$work"/made/usr/{bin,sbin,lib} "$work/made/var/lib/dpkg/info"
  ln -s usr/bin usr/sbin usr/lib "$work/made/"
  echo 1 >"$work/made/var/lib/dpkg/info/format"
  touch "$work/made/var/lib/dpkg/status"
  begin_apt deb
  # shellcheck disable=SC2046  # one word for each package
  own_apt install -y -qq --download-only --no-install-recommends $(libraries)
  for deb in "$work"/apt/cache/archives/*.deb; do
    unpack "$deb"
  done
  shorten_links
}

take_arguments "" "$@"
fill_once "${HALL_SYSROOT:-$cache/sysroot/$release-$arch}" "$(libraries)"
