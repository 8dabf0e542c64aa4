#!/bin/sh
# Prints the version of these sources: 1.2.3 at the tag v1.2.3, 1.2.3+4.abcdef0 four commits after it; before the first tag, that
# of the project with the last commit's time, 0.1.0~20261130.2154; without git, that of the project.
set -eu
cd "$(dirname "$0")/.."
project=$(sed -n 's/^project(hall VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
git_here() { git -c safe.directory="$PWD" "$@" 2>/dev/null; }
if [ "$(git_here rev-parse --show-toplevel)" != "$PWD" ]; then
  echo "$project"
elif tag=$(git_here describe --tags --match 'v*'); then
  echo "${tag#v}" | sed -E 's/-([0-9]+)-g([0-9a-f]+)$/+\1.\2/; s/-/~/g'
elif time=$(TZ=UTC git_here log -1 --format=%cd --date=format-local:%Y%m%d.%H%M); then
  echo "$project~$time"
else
  echo "$project"
fi
