# shellcheck shell=bash
# What sysroot.sh and cmake/portable/static.sh have in common; sourced, under set -euo pipefail. They fetch from Debian with an
# apt of their own, so nothing of this machine is changed, and fill a folder in the user's cache.
# shellcheck disable=SC2034  # used by those
release=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hall

# What the script was called with: sets arch, and fresh where that is asked for.
take_arguments() { # DEFAULT WORD...
  arch=$1 fresh=
  shift
  [ "${1:-}" != --fresh ] || { fresh=yes && shift; }
  arch=${1:-$arch}
  if [ $# -gt 1 ] || [[ ! $arch =~ ^(amd64|arm64|armhf)$ ]]; then
    usage >&2
    exit 2
  fi
}

# One line for each place where this machine's apt has Debian's release from; Raspberry Pi OS has others besides, with keys of
# their own.
apt_sources() { # deb | deb-src
  # shellcheck disable=SC2016  # apt's own words
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    while read -r uri suite component; do
      [[ $suite != "$release"* || $component != main ]] ||
        echo "$1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
    done | sort -u
}

# Proxies and the like still come from /etc/apt.
apt_settings() {
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

own_apt() { APT_CONFIG=$work/apt/apt.conf apt-get "$@"; }

# An apt for $arch in $work/apt, with today's lists.
begin_apt() { # deb | deb-src
  mkdir -p "$work"/apt/{lists,cache/archives}/partial
  touch "$work/apt/status"
  apt_sources "$1" >"$work/apt/sources.list"
  [ -s "$work/apt/sources.list" ] || { echo "apt has no source of Debian's $release main: see /etc/apt/sources.list.d" >&2 && return 1; }
  apt_settings >"$work/apt/apt.conf"
  # An index that its mirror has not in full is passed over; if a package is missing then, the next command says so.
  own_apt update -qq || true
}

# Prints FOLDER, which has what `fill`, a function of the script, puts into $work/made: done once, and again when the functions or
# these words have changed, or by --fresh. FOLDER.log has what was said.
fill_once() { # FOLDER WORD...
  folder=$1
  local key
  key=$({ declare -f && echo "${@:2}"; } | sha256sum | cut -c -16)
  mkdir -p "$(dirname "$folder")"
  exec 9>"$folder.lock"
  flock 9
  if [ -n "$fresh" ] || [ "$(cat "$folder/.made" 2>/dev/null)" != "$key" ]; then
    work=$(mktemp -d "$folder.XXXXXX")
    trap 'tail -n 20 "$folder.log" >&2; rm -rf "$work"' EXIT
    mkdir "$work/made"
    fill >"$folder.log" 2>&1 9>&- # fails where the first of its commands does
    trap - EXIT
    echo "$key" >"$work/made/.made"
    rm -rf "$folder"
    mv "$work/made" "$folder"
    rm -rf "$work"
  fi
  echo "$folder"
}
