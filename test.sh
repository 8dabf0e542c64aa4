#!/usr/bin/env bash
# Installs what the tests need, builds, and runs them. The last line is "N passed, N failed". See usage.
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" || exit 1
. .ci/phases.sh
. .ci/packages.sh
exec </dev/null

# What mostly waits, what waits too, and what only computes: three lanes run beside each other, each one part at a time.
lanes=("integration" "interop browser demo install" "static unit fuzz arches")
# A machine that is emulated, and what measures time and memory: each by itself, at the end.
alone=(vm measures)
read -ra parts <<<"${lanes[*]} ${alone[*]}"
python=/usr/bin/python3
logs=build/test
green=${XDG_CACHE_HOME:-$HOME/.cache}/hall/green
all=

usage() {
  cat <<END
Usage: ./test.sh [--all] [PART...]

Without a part: all of them, beside each other. Parts: ${parts[*]}

  --all   run clang-tidy over every file, and the virtual machine, even where what they read has not changed since they
          last passed here (kept in ~/.cache/hall, or \$XDG_CACHE_HOME/hall)
END
}

# Each part notes what it did in a file of its own, "NAME PASSED FAILED" a line.
count() { # NAME PASSED FAILED
  echo "$*" >>"$results"
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

# Runs a program that writes a JUnit report, and counts every test in it. No report, or none that can be counted, is a
# failure.
suite() { # NAME COMMAND..., which gets the report's name in $REPORT
  local name=$1 log="$logs/$1.log" start=$SECONDS counted good bad status
  shift
  REPORT="$PWD/$logs/$name.xml"
  rm -f "$REPORT"
  "$@" >"$log" 2>&1
  status=$?
  counted=$("$python" tests/static/count.py "$REPORT" "$status")
  read -r good bad <<<"${counted:-0 1}"
  count "$name" "$good" "$bad"
  if [ "$bad" -eq 0 ]; then
    printf 'ok    %-28s %4d s, %d tests\n' "$name" $((SECONDS - start)) "$good"
  else
    printf 'FAIL  %-28s %4d s, %d failed, %d passed, %s:\n' "$name" $((SECONDS - start)) "$bad" "$good" "$log"
    sed 1d <<<"$counted" | sed 's/^/      /' | tee "$logs/$name.failed"
    tail -n 80 "$log" | sed 's/^/      /'
    return 1
  fi
}

run_ctest() { ctest --test-dir "$1" --output-on-failure --output-junit "$REPORT" --no-tests=error -j2 --timeout 600; }
run_pytest() { # BUILD WORKERS FOLDER [OPTION...]
  HALL_BUILD=$PWD/$1 "$python" -B -m pytest -p no:cacheprovider -q --durations=20 --junitxml="$REPORT" -n "$2" "${@:4}" "$3"
}

# One at a time, whoever asks: the first has all processors, and nobody builds twice.
build() ( # PRESET [OPTION...]
  exec 8>build/lock && flock 8 || exit
  cmake --preset "$1" "${@:2}" && cmake --build --preset "$1"
)

# What the other parts run against: as it is installed, with its tests. gcc says more when it optimises.
build_release() { build release -DHALL_TESTS=ON -DHALL_WERROR=ON; }

# Runs the check that follows unless it passed here before with the same inputs, which KEY stands for.
unless_green() { # NAME KEY COMMAND...
  local name=$1 mark="$green/$1-$2"
  shift 2
  if [ -z "$all" ] && [ -e "$mark" ]; then
    printf 'same  %-28s        as when it last passed; --all runs it\n' "$name"
    count "$name" 1 0
  elif "$@"; then
    mkdir -p "$green" && rm -f "$green/$name"-* && touch "$mark"
  fi
}

sources() { find hall-mqtt bridges web ha-discovery tests -name "$1" -print0; }

clang_tidy() { "$python" -B tests/static/tidy.py ${all:+--all} build-fuzz; }
clang_format() { { sources '*.c'; sources '*.h'; } | xargs -0 clang-format --dry-run -Werror; }
shell_check() { { find . -name '*.sh' -not -path './build*' -print0; printf '.ci/run\0'; } | xargs -0 shellcheck -x; }

# A short look for inputs that crash. What was found before is replayed by the unit tests.
fuzz_one() { # TARGET
  local name=${1##*/fuzz_}
  mkdir -p "$logs/corpus/$name"
  "$1" -seed="${HALL_SEED:-1}" -max_total_time="${HALL_FUZZ_SECONDS:-4}" -max_len=8192 -timeout=60 \
    -artifact_prefix="$logs/$name-" "$logs/corpus/$name" "tests/fuzz/corpus/$name"
}

# The build for libFuzzer is the one with clang, and with warnings as errors.
part_static() {
  check static.format clang_format
  check static.shell shell_check
  check static.layers "$python" -B tests/static/layers.py
  check static.build-clang build fuzz || return
  check static.rooms "$python" -B tests/static/rooms.py build-fuzz
  check static.man "$python" -B tests/static/man.py build-fuzz
  check static.docs "$python" -B tests/static/docs.py build-fuzz/bin/hall
  check static.tidy clang_tidy
}

part_unit() {
  check unit.build-asan build asan && suite unit run_ctest build-asan
  check unit.build-release build_release && check unit.model env HALL_STEPS=2000000 build/tests/test_fleet_random &&
    check unit.worlds build/tests/worlds --hours 200 --seed 1
}

part_fuzz() {
  local target
  check fuzz.build build fuzz || return
  for target in build-fuzz/tests/fuzz_*; do
    check "fuzz.${target##*/fuzz_}" fuzz_one "$target"
  done
}

# What is built from an old commit can be tested only where that is: a shallow clone or an archive has none.
without_history() {
  git -c safe.directory="$PWD" cat-file -e 4f84343443ccbf44aa5f26a66a165d7d9a285862 2>/dev/null || echo " and not history"
}

part_integration() {
  check integration.build-asan build asan || return
  check integration.traefik "$python" -B tests/demo/peers.py # fetched once, for the tests that follow
  suite integration run_pytest build-asan 6 tests/integration -m "not measures$(without_history)"
}

# Of the same tests, with the build that docs/SERVICE.md installs.
part_measures() {
  check measures.build-release build_release || return
  check measures.hardening "$python" -B tests/static/hardening.py build/bin
  suite measures run_pytest build 2 tests/integration -m measures
  suite measures-browser run_pytest build 0 tests/browser -m measures
}

# Clients and brokers that others made.
part_interop() {
  check interop.build-release build_release && suite interop run_pytest build 2 tests/interop --dist loadfile
}

# Parts, files and packages.
part_install() {
  check install.build-release build_release && suite install run_pytest build 2 tests/install --dist loadgroup \
    -m "not measures$(without_history)"
}

part_browser() {
  check browser.build-release build_release && suite browser run_pytest build 2 tests/browser -m "not measures"
}

run_demo() { "$python" tests/demo/demo.py --once --directory "$PWD/build/demo-$1" "${@:2}"; }

# As ./run.sh --once does, in each of its ways.
part_demo() {
  local kind
  check demo.traefik-program "$python" -B tests/demo/peers.py
  check demo.build-release build_release || return
  check demo.run ./run.sh --once &
  check demo.loopback run_demo loopback --no-namespaces &
  for kind in nginx caddy traefik haproxy; do
    check "demo.$kind" run_demo "$kind" --proxy "$kind" &
  done
  wait
}

# A machine of its own under QEMU: the root is built once and kept in ~/.cache/hall/vm. Says how long its wakes took.
run_vm() { TIMINGS=$PWD/$logs/vm-timings run_pytest build 0 tests/vm; }
vm_inputs() {
  local program
  for program in hall hall-agent; do
    objcopy --strip-debug --remove-section .note.gnu.build-id "build/bin/$program" "$logs/$program" && cat "$logs/$program"
  done
  find tests/vm tests/demo tests/integration/helpers.py broker-conf bridges/agent -type f -not -name '*.[cho]' \
    -not -name '*.pyc' -print0 | sort -z | xargs -0 cat
}

vm() {
  rm -f "$logs/vm-timings"
  check vm.image "$python" -B tests/vm/image.py && suite vm run_vm || return
  sed 's/^/      /' "$logs/vm-timings"
}

part_vm() {
  check vm.build-release build_release && unless_green vm "$(vm_inputs | sha256sum | cut -c -32)" vm
}

# For another architecture of Debian's.
build_cross() { # ARCH [OPTION...]
  cmake/cross/sysroot.sh "$1" && build "$@"
}

# A visit, a magic packet, the site, the sleep after it, with Hall and an agent of that architecture.
run_cycles() { # ARCH
  run_pytest "build-$1/emulated" 2 tests/integration/test_cycle.py tests/integration/test_real_agents.py \
    -k "test_whole_cycle_by_visit or test_a_visit_starts_its_containers"
}

# Under an emulator: the unit tests and cycles on each processor. What walks at random walks less far there.
part_arches() {
  local arch
  for arch in armhf arm64; do
    check "arches.build-$arch" build_cross "$arch" -DHALL_TESTS=ON &&
      HALL_STATES=2000 HALL_STEPS=20000 suite "arches.unit-$arch" run_ctest "build-$arch" && suite "arches.cycle-$arch" run_cycles "$arch"
  done
}

run_part() { # PART
  local start=$SECONDS
  results="$logs/$1.results"
  "part_$1"
  echo "== $1: $((SECONDS - start)) s"
}

# One part after the other; each part's lines are shown together when it has ended.
run_lane() { # PART...
  local part
  for part in "$@"; do
    run_part "$part" >"$logs/$part.out" 2>&1
    touch "$logs/$part.ended"
    flock "$logs" cat "$logs/$part.out"
  done
}

# The last lane gives way to those whose tests await an answer.
run_lanes() {
  local n lane
  set -m # a process group for each, to end it by
  trap end_lanes INT TERM
  for n in "${!lanes[@]}"; do
    mapfile -t lane < <(wanted_of "${lanes[n]}")
    (
      [ "$n" -lt $((${#lanes[@]} - 1)) ] || renice -n 10 -p "$BASHPID" >/dev/null
      run_lane "${lane[@]}"
    ) &
  done
  wait
  mapfile -t lane < <(wanted_of "${alone[*]}")
  run_lane "${lane[@]}"
}

end_lanes() {
  local group
  for group in $(jobs -p); do
    kill -TERM -- "-$group"
  done
  exit 130
}

# Which parts of a lane are to be run, a line each.
wanted_of() { # LANE
  local part
  for part in $1; do
    [[ " ${wanted[*]} " != *" $part "* ]] || echo "$part"
  done
}

# The failed ones of a suite, with their reasons, for the end of a long log.
name_failed() { # SUITE
  [ ! -e "$logs/$1.failed" ] || { echo && head -n 40 "$logs/$1.failed"; }
}

# A part that has not ended is a failure.
sum_up() {
  local part name good bad passed=0 failed=0 failures=()
  for part in "${wanted[@]}"; do
    [ -e "$logs/$part.ended" ] || echo "$part.end 0 1" >>"$logs/$part.results"
    while read -r name good bad; do
      passed=$((passed + good)) failed=$((failed + bad))
      [ "$bad" -eq 0 ] || failures+=("$name ($bad)$(name_failed "$name")")
    done <"$logs/$part.results"
  done
  [ "${#failures[@]}" -eq 0 ] || printf 'Failed: %s\n' "${failures[@]}"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

wanted=()
for word in "$@"; do
  case " ${parts[*]} --all --help " in
    *" $word "*) ;;
    *)
      echo "test.sh: unknown part: $word. Parts: ${parts[*]}" >&2
      exit 2
      ;;
  esac
  case $word in
    --all) all=yes ;;
    --help)
      usage
      exit
      ;;
    *) wanted+=("$word") ;;
  esac
done
[ "${#wanted[@]}" -gt 0 ] || wanted=("${parts[@]}")

mkdir -p "$logs"
rm -f "$logs"/*.results "$logs"/*.ended "$logs"/*.failed
! command -v ccache >/dev/null || export CMAKE_C_COMPILER_LAUNCHER=ccache
if ! packages_install "${BUILD_PACKAGES[@]}" "${PACKAGING_PACKAGES[@]}" "${DEMO_PACKAGES[@]}" "${TEST_PACKAGES[@]}" \
  "${CROSS_PACKAGES[@]}" "${PORTABLE_PACKAGES[@]}"; then
  echo "Failed: packages"
  echo "0 passed, 1 failed"
  exit 1
fi
if [ "${#wanted[@]}" -eq 1 ]; then
  run_part "${wanted[0]}" # shown as it goes
  touch "$logs/${wanted[0]}.ended"
else
  run_lanes
fi
echo "== all: $SECONDS s"
sum_up
