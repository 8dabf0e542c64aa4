#!/usr/bin/env bash
# Builds everything with each compiler that is installed and each way to optimise, warnings as errors, and runs the unit
# tests of each build. ./test.sh does one of these; all of them take an hour. See usage.
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit 1

compilers=(gcc clang)
declare -A ways=(
  [O0]="-O0 -g"
  [O1]="-O1"
  [O2]="-O2"
  [O3]="-O3"
  [LTO]="-O2 -flto=auto"
  [NDEBUG]="-O2 -DNDEBUG"
)
order=(O0 O1 O2 O3 LTO NDEBUG)

usage() {
  cat <<END
Usage: tests/static/compilers.sh [--build FOLDER] [WAY...]

Ways: ${order[*]}; without one, all of them. CC names the compilers, as CC="gcc-12 clang-14"; by default ${compilers[*]}.

  --build FOLDER   where to build (build-compilers)
END
}

# clang's own linker reads what -flto leaves; GNU ld would need a plugin that Debian does not install.
flags_of() { # COMPILER WAY
  case $1-$2 in
    *clang*-LTO) printf '%s\n' "-DCMAKE_C_FLAGS=${ways[LTO]/=auto/=thin}" -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld ;;
    *) echo "-DCMAKE_C_FLAGS=${ways[$2]}" ;;
  esac
}

# A build of type Debug has no FORTIFY_SOURCE, which -O0 would be warned about.
build() { # COMPILER WAY
  local type=RelWithDebInfo flags
  mapfile -t flags < <(flags_of "$1" "$2")
  [ "$2" != O0 ] || type=Debug
  cmake -S . -B "$folder/$1-$2" -G Ninja -DCMAKE_C_COMPILER="$1" -DCMAKE_BUILD_TYPE=$type "-DCMAKE_C_FLAGS_${type^^}=" \
    "${flags[@]}" -DHALL_WERROR=ON &&
    cmake --build "$folder/$1-$2" -- -k 0 &&
    ctest --test-dir "$folder/$1-$2" -j2 --output-on-failure --no-tests=error --timeout 600
}

folder=build-compilers
wanted=()
while [ $# -gt 0 ]; do
  case $1 in
    --build)
      folder=${2:?--build wants a folder}
      shift
      ;;
    --help)
      usage
      exit
      ;;
    *)
      [ -n "${ways[$1]:-}" ] || { usage >&2 && exit 2; }
      wanted+=("$1")
      ;;
  esac
  shift
done
[ "${#wanted[@]}" -gt 0 ] || wanted=("${order[@]}")
[ -z "${CC:-}" ] || read -ra compilers <<<"$CC"

mkdir -p "$folder"
failed=0
for compiler in "${compilers[@]}"; do
  for way in "${wanted[@]}"; do
    start=$SECONDS
    if build "$compiler" "$way" >"$folder/$compiler-$way.log" 2>&1; then
      printf 'ok    %-10s %-8s %4d s\n' "$compiler" "$way" $((SECONDS - start))
    else
      printf 'FAIL  %-10s %-8s %4d s, %s:\n' "$compiler" "$way" $((SECONDS - start)) "$folder/$compiler-$way.log"
      grep -E 'error:|tests passed|\(Failed\)|FAILED:' "$folder/$compiler-$way.log" | head -n 20 | sed 's/^/      /'
      failed=$((failed + 1))
    fi
  done
done
[ "$failed" -eq 0 ]
