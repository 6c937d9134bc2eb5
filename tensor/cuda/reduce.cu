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
  A* y = mutable_data<A>(op.y);
  const int64_t rows = op.x.dim(0), d = op.x.dim(1);
  // Activations have so many rows that a block for each column would leave most of the GPU idle.
  constexpr int64_t many_rows = 8192;
  if (rows > many_rows)
    return reduce_columns<A, 1>(
        op, rows, d, [=] __device__(int64_t n, int64_t c) { return Sums<A, 1>{{at(x, n * d + c)}}; },
        [=] __device__(int64_t c, const Sums<double, 1>& sum) { y[c] = static_cast<A>(sum.of[0]); });
  each_column(op, op.x, [=] __device__(const BlockColumns& block) {
    const A sum = block.sum<A>([&](int64_t n) { return at(x, n * d + block.column()); });
    if (block.leads()) y[block.column()] = sum;
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
