#include "tensor/ops/batch_norm.h"

#include "tensor/eigen.h"

namespace minissl::ops {
namespace {

template <class T>
using Row = Eigen::Array<T, 1, Eigen::Dynamic>;

template <class T>
Eigen::Map<const Row<T>> row(const Tensor& t) {
  return {t.data<T>(), t.numel()};
}
template <class T>
Eigen::Map<Row<T>> mutable_row(const Tensor& t) {
  return {t.mutable_data<T>(), t.numel()};
}

// The channels' elements as the columns of an array (M, C).
template <class T>
auto columns(const Tensor& t) {
  return matrix<T>(t, t.numel() / t.dim(-1), t.dim(-1)).array();
}
template <class T>
auto mutable_columns(const Tensor& t) {
  return mutable_matrix<T>(t, t.numel() / t.dim(-1), t.dim(-1)).array();
}

template <class T, class Op>
void normalize_columns(const Op& op, const Row<T>& mean, const Row<T>& variance) {
  const Row<T> scale = row<T>(op.weight) / (variance + static_cast<T>(op.eps)).sqrt();
  // In the order of PyTorch's, for float64 agreement to the last digits.
  const Row<T> shift = row<T>(op.bias) - mean * scale;
  auto y = mutable_columns<T>(op.y);
  y = (columns<T>(op.x).rowwise() * scale).rowwise() + shift;
  if (op.residual.defined()) y += columns<T>(op.residual);
  if (op.relu) y = y.max(T{0});
}

}  // namespace

void kernel(Reference, const BatchNorm& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto x = columns<T>(op.x);
    const Row<T> mean = x.colwise().mean();
    const Row<T> variance = (x.rowwise() - mean).square().colwise().mean();
    normalize_columns<T>(op, mean, variance);
    mutable_row<T>(op.mean) = mean;
    mutable_row<T>(op.variance) = variance;
  });
}

void kernel(Reference, const BatchNormInference& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    normalize_columns<T>(op, row<T>(op.mean), row<T>(op.variance));
  });
}

// With x^ = (x - mean) * inv_std and g = dy where y > 0:
//   dbias = sum g, dweight = sum g x^, dx = weight * inv_std * (g - dbias / M - x^ dweight / M).
void kernel(Reference, const BatchNormGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto x = columns<T>(op.x);
    const T count = static_cast<T>(x.rows());
    const Row<T> inv_std = (row<T>(op.variance) + static_cast<T>(op.eps)).sqrt().inverse();
    Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> g = columns<T>(op.dy);
    if (op.y.defined()) g = (columns<T>(op.y) > T{0}).select(g, T{0});
    const Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> normalized =
        (x.rowwise() - row<T>(op.mean)).rowwise() * inv_std;
    const Row<T> dbias = g.colwise().sum(), dweight = (g * normalized).colwise().sum();
    if (op.dresidual.defined()) mutable_columns<T>(op.dresidual) = g;
    g.rowwise() -= (dbias / count).eval();
    g -= normalized.rowwise() * (dweight / count).eval();
    mutable_columns<T>(op.dx) = g.rowwise() * (row<T>(op.weight) * inv_std).eval();
    mutable_row<T>(op.dbias) = dbias;
    mutable_row<T>(op.dweight) = dweight;
  });
}

}  // namespace minissl::ops
