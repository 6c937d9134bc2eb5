#!/usr/bin/env bash
# Checks the sources: formatting (clang-format 14) and common mistakes (clang-tidy 14, slow).
#   scripts/lint.sh                 both; an error if a tool is missing
#   scripts/lint.sh --format-only   formatting, if clang-format 14 is installed
#   scripts/lint.sh FOLDER ...      clang-tidy only below these folders
set -euo pipefail
cd "$(dirname "$0")/.."

version=14  # other versions give different results
tool() {
  for name in "$1-$version" "$1"; do
    if command -v "$name" > /dev/null && "$name" --version | grep -q "version $version\."; then
      echo "$name"
      return
    fi
  done
}
sources() { git ls-files -- '*.h' '*.cpp' '*.cu' '*.cuh'; }

format_only=no
if [ "${1:-}" = --format-only ]; then
  format_only=yes
  shift
fi

clang_format=$(tool clang-format)
if [ -z "$clang_format" ] || ! git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
  echo "lint: formatting not checked: needs clang-format $version (scripts/setup.sh --dev) and a git checkout" >&2
  [ "$format_only" = yes ] || exit 1
else
  sources | xargs "$clang_format" --dry-run -Werror
  echo "lint: $(sources | wc -l) files are formatted" >&2
fi
[ "$format_only" = no ] || exit 0

clang_tidy=$(tool clang-tidy)
if [ -z "$clang_tidy" ]; then
  echo "lint: needs clang-tidy $version: scripts/setup.sh --dev" >&2
  exit 1
fi
# Clang can't read GCC's precompiled headers.
build=build/lint
cmake --preset release -B "$build" -D CMAKE_DISABLE_PRECOMPILE_HEADERS=ON > /dev/null
if [ $# -eq 0 ]; then set -- '*'; fi
git ls-files -- "${@/%/*.cpp}" | xargs --max-args 1 --max-procs "$(nproc)" "$clang_tidy" -p "$build" --quiet
echo "lint: clang-tidy found nothing" >&2
