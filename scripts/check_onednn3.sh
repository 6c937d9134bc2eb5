#!/usr/bin/env bash
# Debian 12 packages oneDNN 2.6, later releases 3.x with a different interface. This builds and tests minissl against
# oneDNN 3.2 (the last on PyPI for GNU OpenMP), and compiles the tensor library against the newest 3.x headers.
# For developers: needs python3-venv and downloads 40 MB. Passes its arguments to ctest.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$PWD/build/onednn3

# install FOLDER PACKAGE...: unpacks the wheels into FOLDER/include and FOLDER/lib
install() {
  local folder=$1
  shift
  [ -x "$folder/bin/pip" ] || python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps "$@"
}

# configure NAME PREFIX: configures a separate build below scratch
configure() {
  cmake --preset release -B "$scratch/$1" -DCMAKE_PREFIX_PATH="$2" > /dev/null
  grep --quiet "^dnnl_DIR:PATH=$2/" "$scratch/$1/CMakeCache.txt" || { echo "another oneDNN was found" >&2; exit 1; }
}

install "$scratch/3.2" onednn-cpu-gomp==2023.2.0 onednn-devel-cpu-gomp==2023.2.0
configure build-3.2 "$scratch/3.2"
cmake --build "$scratch/build-3.2" --parallel "$(nproc)"
ctest --test-dir "$scratch/build-3.2" --output-on-failure --no-tests=error "$@"

# The newest wheels have no CMake package and their library needs SYCL, so this uses only the headers to compile.
install "$scratch/newest" onednn-devel
mkdir -p "$scratch/newest/lib/cmake/dnnl"
cat > "$scratch/newest/lib/cmake/dnnl/dnnl-config.cmake" << EOF
add_library(DNNL::dnnl INTERFACE IMPORTED)
target_include_directories(DNNL::dnnl INTERFACE "$scratch/newest/include")
EOF
configure build-newest "$scratch/newest"
cmake --build "$scratch/build-newest" --parallel "$(nproc)" --target minissl_tensor
version=$(sed -n 's/#define DNNL_VERSION_\(MAJOR\|MINOR\) *//p' "$scratch/newest/include/oneapi/dnnl/dnnl_version.h" | paste -sd.)
echo "oneDNN 3.2: built and tested. oneDNN $version: compiled."
