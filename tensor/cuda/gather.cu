#include "tensor/cuda/launch.h"
#include "tensor/ops/gather.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const GatherRows& op) {
  const T* x = data<T>(op.x);
  const auto* index = data<int64_t>(op.index);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(),
       [=, width = row_numel(op.x)] __device__(int64_t i) { y[i] = x[index[i / width] * width + i % width]; });
}

template <class T>
void compute(const ScatterRows& op) {
  const T* x = data<T>(op.x);
  const auto* index = data<int64_t>(op.index);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=] __device__(int64_t i) { y[i] = T{}; });
  each(op, op.x.numel(),
       [=, width = row_numel(op.x)] __device__(int64_t i) { y[index[i / width] * width + i % width] = x[i]; });
}

// Each element of dx reads the whole index to find the rows of dy that it sums, so it adds them in order and needs no
// atomics.
template <class T>
void compute(const GatherRowsGradient& op) {
  const T* dy = data<T>(op.dy);
  const auto* index = data<int64_t>(op.index);
  T* dx = mutable_data<T>(op.dx);
  each(op, op.dx.numel(), [=, width = row_numel(op.dy), count = op.index.numel()] __device__(int64_t i) {
    Arithmetic<T> sum = 0;
    for (int64_t k = 0; k < count; ++k)
      if (index[k] == i / width) sum += at(dy, k * width + i % width);
    dx[i] = static_cast<T>(sum);
  });
}

}  // namespace

void kernel(Cuda, const GatherRows& op) {
  visit_dtype(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const ScatterRows& op) {
  visit_dtype(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const GatherRowsGradient& op) {
  visit_floating(op.dy.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
