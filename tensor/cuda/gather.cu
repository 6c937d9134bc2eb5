#include "tensor/cuda/reduce.h"
#include "tensor/ops/gather.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const GatherRows& op) {
  const T* x = data<T>(op.x);
  const auto* fill = data<Arithmetic<T>>(op.fill);
  const auto* index = data<int64_t>(op.index);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=, places = RowPlaces(op.index, op.x)] __device__(int64_t i) {
    const int64_t row = i / places.width, c = i % places.width, from = index[row];
    y[i] = places.contains(from) ? x[places.begin(row, from) + c] : static_cast<T>(fill[c]);
  });
}

template <class T>
void compute(const ScatterRows& op) {
  const T* x = data<T>(op.x);
  const auto* index = data<int64_t>(op.index);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=] __device__(int64_t i) { y[i] = T{}; });
  each(op, op.x.numel(), [=, places = RowPlaces(op.index, op.y)] __device__(int64_t i) {
    const int64_t row = i / places.width, to = index[row];
    if (places.contains(to)) y[places.begin(row, to) + i % places.width] = x[i];
  });
}

// Each element of dx reads its image's whole index to find the rows of dy that it sums, so it adds them in order and
// needs no atomics.
template <class T>
void compute(const GatherRowsGradient& op) {
  const T* dy = data<T>(op.dy);
  const auto* index = data<int64_t>(op.index);
  T* dx = mutable_data<T>(op.dx);
  each(op, op.dx.numel(), [=, places = RowPlaces(op.index, op.dx)] __device__(int64_t i) {
    const int64_t row = i / places.width, begin = row / places.rows * places.chosen;
    Arithmetic<T> sum = 0;
    for (int64_t k = begin; k < begin + places.chosen; ++k)
      if (index[k] == row % places.rows) sum += at(dy, k * places.width + i % places.width);
    dx[i] = static_cast<T>(sum);
  });
}

template <class T>
void compute(const GatherFillGradient& op) {
  using A = Arithmetic<T>;
  const T* dy = data<T>(op.dy);
  const auto* index = data<int64_t>(op.index);
  A* dfill = mutable_data<A>(op.dfill);
  reduce_columns<A, 1>(
      op, op.index.numel(), op.dfill.numel(),
      [=, width = op.dfill.numel(), rows = op.rows] __device__(int64_t i, int64_t c) {
        return Sums<A, 1>{{!is_row(index[i], rows) ? at(dy, i * width + c) : A(0)}};
      },
      [=] __device__(int64_t c, const Sums<double, 1>& sum) { dfill[c] = static_cast<A>(sum.of[0]); });
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
void kernel(Cuda, const GatherFillGradient& op) {
  visit_floating(op.dy.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
