#!/usr/bin/env bash
# Installs what the tests need, builds, and runs them. The last line is "N passed, N failed".
# ./test.sh [static] [unit] [fuzz] [integration] [interop] [browser] [vm]: only these parts; without arguments all of them.
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" || exit 1
. .ci/packages.sh
exec </dev/null

parts=(static unit fuzz integration interop browser vm)
python=/usr/bin/python3
logs=build/test
passed=0 failed=0
failures=()

count() { # NAME PASSED FAILED
  passed=$((passed + $2)) failed=$((failed + $3))
  [ "$3" -eq 0 ] || failures+=("$1 ($3)")
}

# Runs one check quietly; shows the end of its words when it fails.
check() { # NAME COMMAND...
  local name=$1 log="$logs/$1.log" start=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    count "$name" 1 0
    printf 'ok    %-28s %4d s\n' "$name" $((SECONDS - start))
  else
    count "$name" 0 1
    printf 'FAIL  %-28s %4d s, %s:\n' "$name" $((SECONDS - start)) "$log"
    tail -n 40 "$log" | sed 's/^/      /'
    return 1
  fi
}

# Runs a program that writes a JUnit report, and counts every test in it. No report is a failure.
suite() { # NAME COMMAND..., which gets the report's name in $REPORT
  local name=$1 log="$logs/$1.log" start=$SECONDS counts status
  shift
  REPORT="$PWD/$logs/$name.xml"
  rm -f "$REPORT"
  "$@" >"$log" 2>&1
  status=$?
  counts=$("$python" tests/static/count.py "$REPORT" "$status")
  count "$name" "${counts% *}" "${counts#* }"
  sed -n 's/^shaky: /shaky /p' "$log"
  if [ "${counts#* }" -eq 0 ]; then
    printf 'ok    %-28s %4d s, %d tests\n' "$name" $((SECONDS - start)) "${counts% *}"
  else
    printf 'FAIL  %-28s %4d s, %d failed, %d passed, %s:\n' "$name" $((SECONDS - start)) "${counts#* }" \
      "${counts% *}" "$log"
    tail -n 80 "$log" | sed 's/^/      /'
  fi
}

run_ctest() { ctest --test-dir "$1" --output-on-failure --output-junit "$REPORT" --no-tests=error -j2 --timeout 120; }
run_pytest() { # BUILD FOLDER [OPTION...]
  local status pytest=("$python" -B -m pytest -p no:cacheprovider -q)
  export HALL_BUILD=$PWD/$1
  "${pytest[@]}" --durations=5 --junitxml="$REPORT" -n 4 "${@:3}" "$2"
  status=$?
  [ "$status" -eq 1 ] || return "$status"
  "$python" -B tests/static/alone.py "$REPORT" "${pytest[@]}"
}

build() { # PRESET
  cmake --preset "$1" && cmake --build --preset "$1"
}

sources() { find hall-mqtt bridges web ha-discovery tests -name "$1" -print0; }

clang_tidy() { sources '*.c' | xargs -0 -P "$(nproc)" -n 1 clang-tidy -p build-clang --quiet; }
clang_format() { { sources '*.c'; sources '*.h'; } | xargs -0 clang-format --dry-run -Werror; }
shell_check() { { find . -name '*.sh' -not -path './build*' -print0; printf '.ci/run\0'; } | xargs -0 shellcheck -x; }

# libFuzzer needs clang, and its eyes in every library.
build_fuzz() {
  cmake -S . -B build-fuzz -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHALL_FUZZ=ON \
    -DHALL_SANITIZE=address,undefined -DCMAKE_C_FLAGS=-fsanitize=fuzzer-no-link && cmake --build build-fuzz
}

# A short look for inputs that crash, from a new seed each day. What was found before is replayed by the unit tests.
fuzz_one() { # TARGET
  local name=${1##*/fuzz_} seed
  seed=$(date +%Y%m%d)
  echo "seed $seed"
  mkdir -p "$logs/corpus/$name"
  "$1" -seed="$seed" -max_total_time=6 -max_len=8192 -timeout=5 -artifact_prefix="$logs/$name-" \
    "$logs/corpus/$name" "tests/fuzz/corpus/$name"
}

part_static() {
  check static.build-clang build clang
  check static.format clang_format
  check static.tidy clang_tidy
  check static.shell shell_check
  check static.layers "$python" -B tests/static/layers.py
  check static.rooms "$python" -B tests/static/rooms.py build-clang
  check static.man "$python" -B tests/static/man.py build-clang
  check static.docs "$python" -B tests/static/docs.py build-clang/bin/hall
  check static.hardening "$python" -B tests/static/hardening.py build-clang/bin
}

part_unit() {
  check unit.build-gcc build dev && suite unit.gcc run_ctest build-dev &&
    check unit.model env HALL_STEPS=2000000 build-dev/tests/test_fleet_random
  check unit.build-asan build asan && suite unit.asan run_ctest build-asan
}

part_fuzz() {
  local target
  check fuzz.build build_fuzz || return
  for target in build-fuzz/tests/fuzz_*; do
    check "fuzz.${target##*/fuzz_}" fuzz_one "$target"
  done
}

part_integration() {
  check integration.traefik "$python" -B tests/demo/peers.py # fetched once, for the tests that follow
  check integration.build-release build release              # what docs/INSTALL.md installs
  check integration.hardening "$python" -B tests/static/hardening.py build/bin
  check integration.build-gcc build dev && suite integration run_pytest build-dev tests/integration
  check integration.build-asan build asan && suite integration.asan run_pytest build-asan tests/integration
  check integration.demo ./run.sh --once
  check integration.demo-loopback ./run.sh --once --no-namespaces
  check integration.demo-nginx ./run.sh --once --proxy nginx
  check integration.demo-caddy ./run.sh --once --proxy caddy
  check integration.demo-traefik ./run.sh --once --proxy traefik
}

# Clients and brokers that others made.
part_interop() {
  check interop.build-gcc build dev && suite interop run_pytest build-dev tests/interop --dist loadfile
}

part_browser() {
  check browser.build-gcc build dev && suite browser run_pytest build-dev tests/browser
}

# A machine of its own under QEMU: the root is built once and kept in ~/.cache/hall/vm. Says how long its wakes took.
run_vm() { TIMINGS=$PWD/$logs/vm-timings run_pytest build-dev tests/vm -n 0; }

part_vm() {
  rm -f "$logs/vm-timings"
  check vm.build-gcc build dev && check vm.image "$python" -B tests/vm/image.py && suite vm run_vm
  [ ! -f "$logs/vm-timings" ] || sed 's/^/      /' "$logs/vm-timings"
}

wanted=("$@")
[ $# -gt 0 ] || wanted=("${parts[@]}")
for part in "${wanted[@]}"; do
  [[ " ${parts[*]} " == *" $part "* ]] || {
    echo "test.sh: unknown part: $part. Parts: ${parts[*]}" >&2
    exit 2
  }
done

mkdir -p "$logs"
if ! packages_install "${BUILD_PACKAGES[@]}" "${DEMO_PACKAGES[@]}" "${TEST_PACKAGES[@]}"; then
  count packages 0 1
  wanted=()
fi
for part in "${wanted[@]}"; do
  echo "== $part"
  start=$SECONDS
  "part_$part"
  echo "== $part: $((SECONDS - start)) s"
done
[ "${#failures[@]}" -eq 0 ] || printf 'Failed: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
