#!/usr/bin/env bash
# Sets up, builds and tests everything, from a bare checkout on. Arguments go to ctest: scripts/test.sh -R formats
# Exit status: 0 if at least one test ran and none failed.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
scripts/lint.sh --format-only

build=build/release
cmake --preset release > /dev/null
cmake --build --preset release --parallel "$(nproc)"

# Tests run side by side, so OpenMP's waiting threads had better sleep than spin.
export OMP_WAIT_POLICY=passive
results=$PWD/$build/test-results.xml
rm -f "$results"
status=0
ctest --preset release --parallel "$(nproc)" --output-junit "$results" "$@" || status=$?

if [ ! -s "$results" ]; then
  echo "no tests ran" >&2
  exit 1
fi
count() { grep -c "$@" "$results" || true; }
passed=$(count '<testcase .*status="run"')
failed=$(count '<testcase .*status="fail"')
skipped=$(count '<testcase .*status="\(notrun\|disabled\)"')
gradients=$(count '<testcase name="[^"]*Gradient.*status="\(run\|fail\)"')
echo
echo "$((passed + failed)) tests ran: $passed passed, $failed failed; $skipped skipped." \
     "$gradients of them were gradient checks."
if [ $((passed + failed)) -eq 0 ]; then status=1; fi
exit "$status"
