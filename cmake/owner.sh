#!/usr/bin/env bash
# Prints what owner.cmake says of a name: cmake/owner.sh HALL_HOMEPAGE
set -euo pipefail
[ $# -eq 1 ] || { echo "Usage: cmake/owner.sh HALL_HOMEPAGE|HALL_MAINTAINER" >&2 && exit 2; }
said=$(sed -n "s/^set($1 \"\(.*\)\")\$/\1/p" "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/owner.cmake")
[ -n "$said" ] || { echo "cmake/owner.sh: owner.cmake does not set $1" >&2 && exit 1; }
printf '%s\n' "$said"
