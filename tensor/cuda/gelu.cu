#include "tensor/cuda/reduce.h"
#include "tensor/ops/functions.h"
#include "tensor/ops/gelu.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const BiasGelu& op) {
  const T* x = data<T>(op.x);
  const auto* bias = data<Arithmetic<T>>(op.bias);
  T* y = mutable_data<T>(op.y);
  each(op, op.x.numel(), [=, width = op.bias.numel()] __device__(int64_t i) {
    y[i] = static_cast<T>(Gelu{}(at(x, i) + bias[i % width]));
  });
}

template <class T>
void compute(const BiasGeluGradient& op) {
  using A = Arithmetic<T>;
  const T *dy = data<T>(op.dy), *x = data<T>(op.x);
  const A* bias = data<A>(op.bias);
  T* dx = mutable_data<T>(op.dx);
  A* dbias = mutable_data<A>(op.dbias);
  const int64_t width = op.bias.numel();
  const auto gradient = [=] __device__(int64_t i, int64_t d) {
    return Gelu{}.gradient(at(dy, i), at(x, i) + bias[d], A(0));
  };
  // Before dx is written, which may be dy.
  if (dbias)
    reduce_columns<A, 1>(
        op, op.dy.numel() / width, width,
        [=] __device__(int64_t n, int64_t d) { return Sums<A, 1>{{gradient(n * width + d, d)}}; },
        [=] __device__(int64_t d, const Sums<double, 1>& sum) { dbias[d] = static_cast<A>(sum.of[0]); });
  each(op, op.dy.numel(), [=] __device__(int64_t i) { dx[i] = static_cast<T>(gradient(i, i % width)); });
}

}  // namespace

void kernel(Cuda, const BiasGelu& op) {
  visit_floating(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const BiasGeluGradient& op) {
  visit_floating(op.dy.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
