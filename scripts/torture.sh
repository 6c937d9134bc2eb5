#!/usr/bin/env bash
# Attacks minissl as a hostile disk, scheduler and user would, and ends in one table of figures. tests/torture/README.md
# says what each kind does.
#   scripts/torture.sh                        all kinds at length (hours), then the fuzzers
#   scripts/torture.sh --quick                the part that the tests run (minutes)
#   scripts/torture.sh kills memory --count 500 --seed 2 --jobs 8
#   scripts/torture.sh signals --patience 4   limits on time are four times as long, on a machine with other work
#   scripts/torture.sh --fuzz-minutes 10      libFuzzer on every format for so long each, where clang has it
#   scripts/torture.sh --sanitizers           all tests under the sanitizers, a step of training under valgrind
# Exit status: 0 if everything survived.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzz_minutes=0
sanitizers=false
attacks=()
only_others=true
while [ $# -gt 0 ]; do
  case "$1" in
    --fuzz-minutes)
      fuzz_minutes="${2:?torture: --fuzz-minutes needs a number}"
      shift
      ;;
    --sanitizers) sanitizers=true ;;
    *)
      attacks+=("$1")
      only_others=false
      ;;
  esac
  shift
done
if [ "$fuzz_minutes" = 0 ] && ! $sanitizers; then only_others=false; fi

status=0

build() {
  cmake --preset release > /dev/null
  cmake --build --preset release --parallel "$(nproc)" --target "$@"
}

# libFuzzer comes with clang.
fuzz_with_libfuzzer() {
  local clang
  clang=$(command -v clang++ clang++-14 clang++-15 clang++-16 | head -n 1 || true)
  if [ -z "$clang" ] || ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
    "$clang" -x c++ - -fsanitize=fuzzer -o /dev/null 2> /dev/null; then
    echo "torture: there is no clang with libFuzzer; the kind \`fuzz\` runs the same readers" >&2
    return 0
  fi
  cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER="$clang" -DMINISSL_CUDA=OFF \
    -DMINISSL_FUZZERS=ON -DMINISSL_WERROR=OFF -DCMAKE_CXX_FLAGS="-fsanitize=fuzzer-no-link,address,undefined" \
    > /dev/null
  cmake --build build/fuzz --parallel "$(nproc)" --target libfuzzer
  # Without a name, libfuzzer says which there are.
  build/fuzz/tests/torture/libfuzzer | xargs -P "$(nproc)" -I{} bash -c 'fuzz_format {}' || status=1
}

# Fuzzes one format, and ends in a line of figures.
fuzz_format() {
  local corpus=build/fuzz/corpus/$1 log=build/fuzz/$1.log result=survived
  mkdir -p "$corpus"
  MINISSL_FUZZ=$1 MINISSL_CORPUS=$corpus build/fuzz/tests/torture/libfuzzer "$corpus" \
    -max_total_time=$((fuzz_minutes * 60)) -timeout=10 -rss_limit_mb=4096 -artifact_prefix="build/fuzz/$1-" \
    -verbosity=1 -print_final_stats=1 > "$log" 2>&1 || result="FAILED: $log"
  printf '%-12s %10s inputs, %6s edges: %s\n' "$1" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)" "$result"
  [ "$result" = survived ]
}
export -f fuzz_format
export fuzz_minutes

# The reserve and the shim replace the functions that sanitizers replace: attacks by the shim run in `release` alone.
run_sanitizers() {
  for preset in asan tsan; do
    cmake --preset "$preset" > /dev/null
    cmake --build --preset "$preset" --parallel "$(nproc)"
    ctest --preset "$preset" --parallel "$(nproc)" --label-exclude torture || status=1
  done
  # valgrind knows neither AVX-512 nor AVX-VNNI.
  cmake -S . -B build/valgrind -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMINISSL_NATIVE=OFF -DMINISSL_CUDA=OFF \
    -DMINISSL_TESTS=OFF > /dev/null
  cmake --build build/valgrind --parallel "$(nproc)" --target minissl
  local run
  run=$(mktemp -d)
  valgrind --error-exitcode=9 --errors-for-leak-kinds=none --quiet \
    build/valgrind/apps/minissl train moco --data synth:16:32 --channels 1 --width 8 --size 32 --batch 8 --queue 16 \
    --dim 8 --epochs 1 --steps 1 --monitor-every 0 --threads 2 --workers 1 --out "$run/run" || status=1
  rm -rf "$run"
}

if ! $only_others; then
  build torture
  build/release/tests/torture/torture "${attacks[@]}" || status=1
fi
if [ "$fuzz_minutes" != 0 ]; then fuzz_with_libfuzzer; fi
if $sanitizers; then run_sanitizers; fi
exit "$status"
