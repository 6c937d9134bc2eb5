#!/usr/bin/env bash
# Sets up, builds and tests everything from a fresh checkout. Passes its arguments to ctest: scripts/test.sh -R formats
# Exit status: 0 if at least one test ran and none failed.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
scripts/lint.sh --format-only

build=build/release
cmake --preset release > /dev/null
cmake --build --preset release --parallel "$(nproc)"

results=$build/test-results
rm -rf "$results"
status=0
ctest --preset release --parallel "$(nproc)" "$@" || status=$?

# The results of tests with slashes in their names are in sub-folders.
all_results() { find "$results" -name '*.xml' -exec cat {} + 2> /dev/null || true; }
count() { all_results | grep -c "$1" || true; }
ran=$(count '<testcase .*result="completed"')
failed=$(all_results | sed -n 's/^<testsuites.* failures="\([0-9]*\)".*/\1/p' | awk '{n += $1} END {print n + 0}')
skipped=$(count '<testcase .*result="\(skipped\|suppressed\)"')
gradients=$(count '<testcase name="[^"]*Gradient.*result="completed"')
echo
echo "$ran tests ran, $gradients of them gradient checks."
echo "$((ran - failed)) passed, $failed failed, $skipped skipped"
if [ "$ran" -eq 0 ]; then status=1; fi
exit "$status"
