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
results=$build/test-results
rm -rf "$results"
status=0
ctest --preset release --parallel "$(nproc)" "$@" || status=$?

count() { cat "$results"/*.xml 2> /dev/null | grep -c "$1" || true; }
ran=$(count '<testcase .*result="completed"')
failed=$(count '<testcase .*result="completed".*[^/]>$')
skipped=$(count '<testcase .*result="\(skipped\|suppressed\)"')
gradients=$(count '<testcase name="[^"]*Gradient.*result="completed"')
echo
echo "$ran tests ran, $gradients of them gradient checks."
echo "$((ran - failed)) passed, $failed failed, $skipped skipped"
if [ "$ran" -eq 0 ]; then status=1; fi
exit "$status"
