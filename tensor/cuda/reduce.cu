#include "tensor/cuda/reduce.h"
#include "tensor/ops/reduce.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const Sum& op) {
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  reduce<1>(
      op, op.x.numel(), [=] __device__(int64_t i) { return Sums<Arithmetic<T>, 1>{{at(x, i)}}; },
      [=] __device__(const Sums<double, 1>& sum) { y[0] = static_cast<T>(static_cast<Arithmetic<T>>(sum.of[0])); });
}

template <class T>
void compute(const Expand& op) {
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=] __device__(int64_t i) { y[i] = x[0]; });
}

template <class T>
void compute(const ColumnSum& op) {
  using A = Arithmetic<T>;
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  each_column(op, op.x, [=, d = op.x.dim(1)] __device__(const BlockColumns& block) {
    const A sum = block.sum<A>([&](int64_t n) { return at(x, n * d + block.column()); });
    if (block.leads()) y[block.column()] = static_cast<T>(sum);
  });
}

}  // namespace

void kernel(Cuda, const Sum& op) {
  visit_floating(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const Expand& op) {
  visit_dtype(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const ColumnSum& op) {
  visit_floating(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
