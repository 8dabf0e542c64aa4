#!/usr/bin/env bash
# Unpacks the libraries that Hall needs of another architecture into a folder of their own, and prints its name. Nothing of
# this machine is changed: apt and dpkg keep what they note of these packages in that folder. See usage.
set -euo pipefail
recipe=$(readlink -f "${BASH_SOURCE[0]}")
cd "$(dirname "$recipe")/../.."
. .ci/packages.sh

usage() {
  cat <<END
Usage: cmake/cross/sysroot.sh [--fresh] ARCH

ARCH is a name of Debian's: amd64, arm64 or armhf. The release is that of this machine. The folder is made once, and again when
the list of packages changes:

  \$HALL_SYSROOT, or \${XDG_CACHE_HOME:-~/.cache}/hall/sysroot/RELEASE-ARCH

  --fresh   fetches the packages as they are today
END
}

fresh=
[ "${1:-}" != --fresh ] || { fresh=yes && shift; }
case "${1:-}" in
  amd64 | arm64 | armhf) arch=$1 ;;
  *) usage >&2 && exit 2 ;;
esac

# What is linked to, and so nothing that runs while building.
libraries() {
  local name
  for name in "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${PORTABLE_PACKAGES[@]}"; do
    [[ $name != lib*-dev || $name == libclang* ]] || echo "$name"
  done
}

# The places where this machine's apt has Debian's release from; Raspberry Pi OS has others besides, with keys of their own.
sources() {
  # shellcheck disable=SC2016  # apt's own words
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    while read -r uri suite component; do
      [[ $suite != "$release"* || $component != main ]] ||
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
    done
}

# apt's settings for ARCH; proxies and the like still come from /etc/apt.
settings() {
  cat <<END
APT { Architecture "$arch"; Architectures { "$arch"; }; Install-Recommends "false"; Sandbox::User "root"; };
Dir::State "$work/apt";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
END
}

# Unpacks one package. What is said of it in dpkg's folder is enough for dpkg-query and dpkg-shlibdeps.
unpack() { # DEB
  local name info=$work/root/var/lib/dpkg/info control=$work/control file
  rm -rf "$control"
  dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink --no-same-owner -C "$work/root"
  dpkg-deb -e "$1" "$control"
  name=$(dpkg-deb -f "$1" Package)
  [ "$(dpkg-deb -f "$1" Multi-Arch)" != same ] || name=$name:$arch
  for file in symbols shlibs md5sums; do
    [ ! -e "$control/$file" ] || cp "$control/$file" "$info/$name.$file"
  done
  dpkg-deb --fsys-tarfile "$1" | tar -t | sed -e 's|^\.||' -e 's|/$||' -e 's|^$|/.|' >"$info/$name.list"
  { dpkg-deb -f "$1" | sed '1a Status: install ok installed' && echo; } >>"$work/root/var/lib/dpkg/status"
}

# A link to an absolute name would lead to this machine's own files.
shorten_links() {
  find "$work/root" -type l -lname '/*' -printf '%P\t%l\n' | while IFS=$'\t' read -r link target; do
    ln -sfnr "$work/root$target" "$work/root/$link"
  done
}

make() {
  local deb
  mkdir -p "$work"/apt/{lists,cache/archives}/partial "$work"/root/usr/{bin,sbin,lib} "$work/root/var/lib/dpkg/info"
  ln -s usr/bin usr/sbin usr/lib "$work/root/"
  echo 1 >"$work/root/var/lib/dpkg/info/format"
  touch "$work/apt/status" "$work/root/var/lib/dpkg/status"
  sources >"$work/apt/sources.list"
  [ -s "$work/apt/sources.list" ] || { echo "apt has no source of $release main: see /etc/apt/sources.list.d" >&2 && return 1; }
  settings >"$work/apt/apt.conf"
  # An index that its mirror has not in full is passed over; if a package is missing then, the next command says so.
  APT_CONFIG=$work/apt/apt.conf apt-get update -qq || true
  # shellcheck disable=SC2046  # one word for each package
  APT_CONFIG=$work/apt/apt.conf apt-get install -y -qq --download-only --no-install-recommends $(libraries)
  for deb in "$work"/apt/cache/archives/*.deb; do
    unpack "$deb"
  done
  shorten_links
  echo "$key" >"$work/root/.made"
}

release=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
root=${HALL_SYSROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/hall/sysroot/$release-$arch}
key=$({ cat "$recipe" && libraries; } | sha256sum | cut -c -16)
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9
if [ -n "$fresh" ] || [ "$(cat "$root/.made" 2>/dev/null)" != "$key" ]; then
  work=$(mktemp -d "$root.XXXXXX")
  trap 'tail -n 20 "$root.log" >&2; rm -rf "$work"' EXIT
  make >"$root.log" 2>&1 9>&- # fails where the first of its commands does
  trap - EXIT
  rm -rf "$root"
  mv "$work/root" "$root"
  rm -rf "$work"
fi
echo "$root"
