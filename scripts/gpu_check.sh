#!/usr/bin/env bash
# Tests and benchmarks the CUDA backend on a machine with a GPU, in less than ten minutes, and ends with one table.
#   scripts/gpu_check.sh pack   on a machine that can build minissl: packs the programs and their libraries into
#                               build/gpu_check.tar.gz. The GPU machine needs only this file, copied to the same place,
#                               and this script
#   scripts/gpu_check.sh        on the GPU machine; needs no network and no packages. Takes CUDA's own libraries from the
#                               system or from pip's packages. Builds first if there is no packed file.
# Exit status: 0 if every test passed and every benchmark ran.
set -euo pipefail
cd "$(dirname "$0")/.."
packed=build/gpu_check archive=build/gpu_check.tar.gz

pack() {
  cmake --preset gpu > /dev/null
  cmake --build --preset gpu --target minissl test_cuda --parallel "$(nproc)"
  rm -rf "$packed"
  mkdir -p "$packed/bin" "$packed/lib"
  cp build/gpu/apps/minissl build/gpu/tests/cuda/test_cuda "$packed/bin"
  # All libraries except the C library's, which belong to the machine, and CUDA's, which are large and tied to the driver.
  ldd "$packed"/bin/* | awk '/=> \//{print $3}' | sort -u |
    grep -vE '/(ld-linux|libc|libm|libdl|librt|libpthread|libcuda|libcudart|libcudnn|libcublas|libnvrtc)[^/]*$' |
    xargs -I{} cp -L {} "$packed/lib"
  tar -czf "$archive" -C build gpu_check
  echo "gpu_check: packed $(du -h "$archive" | cut -f1) into $archive" >&2
}

if [ "${1:-}" = pack ]; then
  pack
  exit
fi
if [ "$archive" -nt "$packed/bin/minissl" ]; then tar -xzmf "$archive" -C build; fi
[ -x "$packed/bin/minissl" ] || pack

# Pip installs CUDA's libraries in site-packages/nvidia/*/lib.
libraries=$PWD/$packed/lib
if command -v python3 > /dev/null; then
  while read -r folder; do libraries=$libraries:$folder; done < <(
    python3 -c 'import glob, site; print("\n".join(f for s in site.getsitepackages() + [site.getusersitepackages()] for f in glob.glob(s + "/nvidia/*/lib")))')
fi
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
minissl=$packed/bin/minissl
log=$packed/log
mkdir -p "$log"

status=0
table=""
row() { table+=$(printf '  %-46s %s' "$1" "$2")$'\n'; }

# check NAME SECONDS COMMAND ...: runs the test program and prints a summary row.
check() {
  local name=$1 limit=$2 out passed failed skipped code=0
  shift 2
  out=$log/${name// /_}.txt
  timeout "$limit" "$@" > "$out" 2>&1 || code=$?
  passed=$(grep -c '^\[       OK' "$out" || true)
  failed=$(grep -c '^\[  FAILED  \] .*ms)' "$out" || true)
  skipped=$(grep -c '^\[  SKIPPED \] .*ms)' "$out" || true)
  local words="$passed passed, $failed failed, $skipped skipped"
  if [ $code -eq 124 ]; then
    words+=", not done in $limit s"
  elif [ $code -ne 0 ]; then
    words+=", exit status $code: see $out"
    status=1
  fi
  [ "$passed" -gt 0 ] || status=1
  row "$name" "$words"
}

# bench FLAGS ...: prints a row with images per second.
bench() {
  local out=$log/bench_$(echo "$*" | tr -cs 'a-z0-9' _).json
  if timeout 60 "$minissl" bench step "$@" --device cuda --json > "$out" 2> "$out.err"; then
    row "$*" "$(sed -E 's/.*"img_s":([0-9.]+).*"step_ms":\[([0-9.]+).*"peak_mb":([0-9]+).*/\1 images\/s, \2 ms, \3 MB/' "$out")"
  else
    row "$*" "failed: $(tail -n 1 "$out.err")"
    status=1
  fi
}

"$minissl" devices
if ! "$minissl" devices | grep -q '^cuda:0'; then
  echo "gpu_check: nothing to check without a GPU" >&2
  exit 1
fi
row device "$("$minissl" devices | sed -n '/^cuda/{s/^cuda[^ ]* *//p;q}')"
check "tests" 200 "$packed/bin/test_cuda" --gtest_brief=0
if command -v compute-sanitizer > /dev/null; then
  # Odd sizes end in the middle of a block; reductions use shared memory.
  check "memory errors" 80 compute-sanitizer --tool memcheck --error-exitcode 9 "$packed/bin/test_cuda" \
    --gtest_filter='CudaKernel.AgreesWithReference/*odd*:CudaKernel.AgreesWithReference/*_7*:CudaKernel.AgreesWithReference/*5x7*'
  check "races" 60 compute-sanitizer --tool racecheck --error-exitcode 9 "$packed/bin/test_cuda" \
    --gtest_filter='CudaKernel.AgreesWithReference/*5x7*:CudaKernel.AgreesWithReference/batch_norm*odd*'
else
  row "compute-sanitizer" "not there"
fi
for precision in f32 bf16; do
  bench moco --arch resnet18 --stem small --size 32 --batch 512 --precision $precision --steps 5 --warmup 1
  bench moco --arch resnet18 --size 224 --batch 256 --precision $precision --steps 3 --warmup 1
  bench moco --arch resnet50 --size 224 --batch 128 --precision $precision --steps 3 --warmup 1
done
# The benefit of launching a step as CUDA graphs, which is largest for short kernels.
for graph in on off; do
  bench moco --arch resnet18 --stem small --size 32 --batch 64 --precision bf16 --steps 5 --warmup 1 --cuda-graph $graph
done

echo
printf '%s' "$table"
exit $status
