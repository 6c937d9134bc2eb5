#include "tensor/ops/columns.h"

#include "tensor/eigen.h"

namespace minissl::ops {
namespace {

template <class T>
using Row = Eigen::Array<T, 1, Eigen::Dynamic>;

template <class T>
auto array_of(const Tensor& t) {
  return matrix<T>(t, t.dim(0), t.dim(1)).array();
}
template <class T>
auto mutable_array_of(const Tensor& t) {
  return mutable_matrix<T>(t, t.dim(0), t.dim(1)).array();
}
template <class T>
auto array_row_of(const Tensor& t) {
  return Eigen::Map<const Row<T>>(t.data<T>(), t.numel());
}

}  // namespace

void kernel(Reference, const ColumnVariance& op) {
  visit_arithmetic(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto x = rows_of<T>(op.x);
    const Matrix<T> mean = x.colwise().mean();
    mutable_row_of<T>(op.y) = (x.rowwise() - mean.row(0)).colwise().squaredNorm() / static_cast<T>(x.rows() - 1);
  });
}

void kernel(Reference, const ColumnVarianceGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto x = rows_of<T>(op.x);
    const Matrix<T> mean = x.colwise().mean();
    const Matrix<T> factor = row_of<T>(op.dy) * (T(2) / static_cast<T>(x.rows() - 1));
    mutable_rows_of<T>(op.dx) = (x.rowwise() - mean.row(0)) * factor.row(0).asDiagonal();
  });
}

void kernel(Reference, const CenterColumns& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const Row<T> mean = array_of<T>(op.x).colwise().mean();
    mutable_array_of<T>(op.y) = array_of<T>(op.x).rowwise() - mean;
  });
}

void kernel(Reference, const Standardize& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto x = array_of<T>(op.x);
    const Row<T> mean = x.colwise().mean();
    auto y = mutable_array_of<T>(op.y);
    y = x.rowwise() - mean;
    const Row<T> std = (y.square().colwise().sum() / static_cast<T>(x.rows() - 1)).sqrt();
    y.rowwise() /= std + static_cast<T>(Standardize::eps);
    Eigen::Map<Row<T>>(op.std.mutable_data<T>(), op.std.numel()) = std;
  });
}

void kernel(Reference, const StandardizeGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto dy = array_of<T>(op.dy), y = array_of<T>(op.y);
    const auto std = array_row_of<T>(op.std);
    const Row<T> mean = dy.colwise().mean();
    const Row<T> along = (dy * y).colwise().sum() / static_cast<T>(dy.rows() - 1);
    const Row<T> slope = (std > T{0}).select(along / std, T{0});
    auto dx = mutable_array_of<T>(op.dx);
    dx = (dy.rowwise() - mean).rowwise() / (std + static_cast<T>(Standardize::eps));
    dx -= y.rowwise() * slope;
  });
}

Tensor center_columns(const Tensor& x) {
  require(x.rank() == 2, "center_columns needs a matrix (N, D), not {}", x);
  CenterColumns op{x, Tensor::empty_like(x)};
  run(op);
  return op.y;
}

}  // namespace minissl::ops
