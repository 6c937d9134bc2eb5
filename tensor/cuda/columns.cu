#include "tensor/cuda/reduce.h"
#include "tensor/ops/columns.h"

namespace minissl::ops {
namespace {

using namespace cuda;

// The elements of a column minus their mean.
template <class T>
struct Centered {
  using A = Arithmetic<T>;
  const T* x;
  int64_t rows, columns;
  const BlockColumns& block;
  A mean;

  __device__ Centered(const T* values, int64_t count, int64_t width, const BlockColumns& of_block)
      : x(values), rows(count), columns(width), block(of_block) {
    mean = block.sum<A>([&](int64_t n) { return value(n); }) / static_cast<A>(rows);
  }
  __device__ int64_t index(int64_t n) const { return n * columns + block.column(); }
  __device__ A value(int64_t n) const { return at(x, index(n)); }
  __device__ A operator()(int64_t n) const { return value(n) - mean; }
  /// Unbiased.
  __device__ A variance() const {
    return block.sum<A>([&](int64_t n) { return (*this)(n) * (*this)(n); }) / static_cast<A>(rows - 1);
  }
};

template <class T>
void compute(const ColumnVariance& op) {
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  each_column(op, op.x, [=, rows = op.x.dim(0), d = op.x.dim(1)] __device__(const BlockColumns& block) {
    const auto variance = Centered<T>(x, rows, d, block).variance();
    if (block.leads()) y[block.column()] = static_cast<T>(variance);
  });
}

template <class T>
void compute(const ColumnVarianceGradient& op) {
  const T *dy = data<T>(op.dy), *x = data<T>(op.x);
  T* dx = mutable_data<T>(op.dx);
  each_column(op, op.x, [=, rows = op.x.dim(0), d = op.x.dim(1)] __device__(const BlockColumns& block) {
    using A = Arithmetic<T>;
    const Centered<T> centered(x, rows, d, block);
    block.each_row([&](int64_t n) {
      dx[centered.index(n)] = static_cast<T>(centered(n) * at(dy, block.column()) * (A(2) / static_cast<A>(rows - 1)));
    });
  });
}

template <class T>
void compute(const CenterColumns& op) {
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  each_column(op, op.x, [=, rows = op.x.dim(0), d = op.x.dim(1)] __device__(const BlockColumns& block) {
    const Centered<T> centered(x, rows, d, block);
    block.each_row([&](int64_t n) { y[centered.index(n)] = static_cast<T>(centered(n)); });
  });
}

template <class T>
void compute(const Standardize& op) {
  const T* x = data<T>(op.x);
  T *y = mutable_data<T>(op.y), *std = mutable_data<T>(op.std);
  each_column(op, op.x, [=, rows = op.x.dim(0), d = op.x.dim(1)] __device__(const BlockColumns& block) {
    using A = Arithmetic<T>;
    const Centered<T> centered(x, rows, d, block);
    const A deviation = std::sqrt(centered.variance());
    block.each_row([&](int64_t n) {
      y[centered.index(n)] = static_cast<T>(centered(n) / (deviation + static_cast<A>(Standardize::eps)));
    });
    if (block.leads()) std[block.column()] = static_cast<T>(deviation);
  });
}

template <class T>
void compute(const StandardizeGradient& op) {
  const T *dy = data<T>(op.dy), *y = data<T>(op.y), *std = data<T>(op.std);
  T* dx = mutable_data<T>(op.dx);
  each_column(op, op.dy, [=, rows = op.dy.dim(0), d = op.dy.dim(1)] __device__(const BlockColumns& block) {
    using A = Arithmetic<T>;
    const Centered<T> centered(dy, rows, d, block);
    const A dot = block.sum<A>([&](int64_t n) { return centered.value(n) * at(y, centered.index(n)); });
    block.each_row([&](int64_t n) {
      const A deviation = at(std, block.column());
      const A slope = deviation > A(0) ? dot / static_cast<A>(rows - 1) / deviation : A(0);
      dx[centered.index(n)] = static_cast<T>(centered(n) / (deviation + static_cast<A>(Standardize::eps)) -
                                             at(y, centered.index(n)) * slope);
    });
  });
}

template <class Op>
void by_type(const Op& op) {
  visit_floating(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const ColumnVariance& op) { by_type(op); }
void kernel(Cuda, const ColumnVarianceGradient& op) { by_type(op); }
void kernel(Cuda, const CenterColumns& op) { by_type(op); }
void kernel(Cuda, const Standardize& op) { by_type(op); }
void kernel(Cuda, const StandardizeGradient& op) { by_type(op); }

}  // namespace minissl::ops
