#include "tensor/cuda/launch.h"
#include "tensor/ops/transpose.h"

namespace minissl::ops {
namespace {

using namespace cuda;

// In tiles, so that both reads and writes run along rows.
template <class T>
void compute(const BatchedTranspose& op) {
  constexpr int tile = 32;
  const int64_t a = op.x.dim(1), b = op.x.dim(2), down = divide_up(a, tile), across = divide_up(b, tile);
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  each_block(op, op.x.dim(0) * down * across, 1, [=] __device__(int64_t block, int64_t) {
    __shared__ T values[tile][tile + 1];
    const int64_t n = block / (down * across), top = block / across % down * tile, left = block % across * tile;
    const int lane = static_cast<int>(threadIdx.x) % tile, first = static_cast<int>(threadIdx.x) / tile;
    for (int r = first; r < tile; r += block_threads / tile)
      if (top + r < a && left + lane < b) values[r][lane] = x[(n * a + top + r) * b + left + lane];
    __syncthreads();
    for (int r = first; r < tile; r += block_threads / tile)
      if (left + r < b && top + lane < a) y[(n * b + left + r) * a + top + lane] = values[lane][r];
  });
}

}  // namespace

void kernel(Cuda, const BatchedTranspose& op) {
  visit_dtype(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
