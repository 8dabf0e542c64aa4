#!/usr/bin/env bash
# Makes the package hall-enroll: what "hallctl enroll" hands to servers, for each architecture that there is a tarball of. See
# usage.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

usage() {
  cat <<END
Usage: cmake/packaging/enroll.sh VERSION FOLDER

Takes FOLDER/hall-agent-VERSION-linux-*.tar.gz and those of hall-wol, and writes FOLDER/hall-enroll_VERSION-1_all.deb.
HALL_MAINTAINER and HALL_HOMEPAGE are what the package says of them. The same tarballs and SOURCE_DATE_EPOCH give the same bytes.
END
}

[ $# -eq 2 ] || { usage >&2 && exit 2; }
version=$1 out=$2
maintainer=${HALL_MAINTAINER:?see package.sh} homepage=${HALL_HOMEPAGE:?see package.sh}
shopt -s nullglob
tarballs=()
for program in hall-agent hall-wol; do
  found=("$out/$program-$version-linux-"*.tar.gz)
  [ "${#found[@]}" -gt 0 ] || { echo "cmake/packaging/enroll.sh: no $program-$version-linux-*.tar.gz in $out" >&2 && exit 1; }
  tarballs+=("${found[@]}")
done
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree doc=$work/tree/usr/share/doc/hall-enroll
chmod 755 "$work"
mkdir -p "$tree/DEBIAN" "$tree/usr/share/hall/agents" "$doc"

install -m 644 "${tarballs[@]}" "$tree/usr/share/hall/agents"
install -m 644 "$here/copyright" "$doc/copyright"
gzip -9nc "$here/../../CHANGELOG.md" >"$doc/changelog.gz"
gzip -9nc >"$doc/changelog.Debian.gz" <<END
hall-enroll ($version-1) unstable; urgency=medium

  * Built from the sources of this version; see changelog.gz.

 -- $maintainer  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END
cat >"$tree/DEBIAN/control" <<END
Package: hall-enroll
Version: $version-1
Architecture: all
Maintainer: $maintainer
Installed-Size: $(du -ks "$tree/usr" | cut -f 1)
Enhances: hall
Section: net
Priority: optional
Homepage: $homepage
Description: agents and relays of Hall for other machines
 Hall runs on a machine that is always on, in front of servers that sleep. On
 each server an agent says whether it is in use; on another network a relay
 sends the packets that wake them. This package has both programs as
 "hallctl enroll" hands them out, whatever the distribution there.
END
(cd "$tree" && find usr -type f -printf '%P\0' | LC_ALL=C sort -z | (cd usr && xargs -0 md5sum) | sed 's|  |  usr/|' >DEBIAN/md5sums)
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --build "$tree" "$out/hall-enroll_$version-1_all.deb"
