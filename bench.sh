#!/usr/bin/env bash
# Installs what the measurements need, builds, measures, and prints one line a figure. See usage.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
. .ci/packages.sh

usage() {
  cat <<'END'
Usage: ./bench.sh [NAME...]

Prints one line a figure: NAME VALUE UNIT, then ratio=, p50= and p99= where they apply, then words: the
target, and whether it is met. Without a name all figures, in less than five minutes. The exit status is
not 0 only when something could not be measured. docs/BENCHMARKS.md says what each figure means.

  --list    the names
  --help    this text
END
}

case ${1-} in
  --help | -h)
    usage
    exit 0
    ;;
  --list) exec /usr/bin/python3 -B tests/bench/bench.py --list ;;
esac

packages_install "${BUILD_PACKAGES[@]}" "${DEMO_PACKAGES[@]}" libcmocka-dev nginx-light wrk

mkdir -p build
echo "Building Hall ..." >&2
log=build/bench-build.log
if ! { cmake --preset release -DHALL_TESTS=ON && cmake --build --preset release --target hall hall-wol hall-agent bench_tools; } \
  >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "bench.sh: the build failed; the whole log is $log" >&2
  exit 1
fi
exec /usr/bin/python3 -B tests/bench/bench.py "$@"
