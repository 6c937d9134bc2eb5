#include "tensor/cuda/launch.h"
#include "tensor/ops/argmax.h"

namespace minissl::ops {
namespace {

using namespace cuda;

// The larger of two elements of a row, and the one with the lower number of two that are equal. NaN is never larger.
template <class T>
__device__ bool comes_first(T value, int64_t number, T other, int64_t other_number) {
  return value > other || (value == other && number < other_number);
}

template <class T>
void compute(const Argmax& op) {
  const T* x = data<T>(op.x);
  auto* y = mutable_data<int64_t>(op.y);
  each_block(op, op.x.dim(0), 1, [=, width = op.x.dim(1)] __device__(int64_t n, int64_t) {
    __shared__ T values[block_threads];
    __shared__ int64_t numbers[block_threads];
    const T* row = x + n * width;
    const unsigned i = threadIdx.x;
    numbers[i] = i < width ? i : 0;
    values[i] = row[numbers[i]];
    for (int64_t d = i + block_threads; d < width; d += block_threads)
      if (comes_first(row[d], d, values[i], numbers[i])) {
        values[i] = row[d];
        numbers[i] = d;
      }
    for (unsigned half = block_threads / 2; half > 0; half /= 2) {
      __syncthreads();
      if (i < half && comes_first(values[i + half], numbers[i + half], values[i], numbers[i])) {
        values[i] = values[i + half];
        numbers[i] = numbers[i + half];
      }
    }
    if (i == 0) y[n] = numbers[0];
  });
}

template <class T>
void compute(const Hardmax& op) {
  const T* x = data<T>(op.x);
  const auto* index = data<int64_t>(op.index);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=, width = op.y.dim(1)] __device__(int64_t i) {
    y[i] = T(0) * x[i] + (index[i / width] == i % width ? T(1) : T(0));
  });
}

template <class Op>
void by_type(const Op& op) {
  visit_arithmetic(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const Argmax& op) { by_type(op); }
void kernel(Cuda, const Hardmax& op) { by_type(op); }

}  // namespace minissl::ops
