#include "tensor/ops/layer_norm.h"

#include "tensor/eigen.h"

namespace minissl::ops {
namespace {

template <class T>
using Row = Eigen::Array<T, 1, Eigen::Dynamic>;

template <class T>
auto array_of(const Tensor& t) {
  return rows_of<T>(t).array();
}

}  // namespace

void kernel(Reference, const LayerNorm& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto x = array_of<T>(op.x), weight = array_of<T>(op.weight), bias = array_of<T>(op.bias);
    auto y = mutable_rows_of<T>(op.y);
    for (int64_t n = 0; n < x.rows(); ++n) {
      const T mean = x.row(n).mean();
      const Row<T> centred = x.row(n) - mean;
      const T rstd = T(1) / std::sqrt(centred.square().mean() + static_cast<T>(op.eps));
      y.row(n) = (weight.row(0) * centred * rstd + bias.row(0)).matrix();
      if (op.mean.defined()) op.mean.mutable_data<T>()[n] = mean;
      if (op.rstd.defined()) op.rstd.mutable_data<T>()[n] = rstd;
    }
  });
}

void kernel(Reference, const LayerNormGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto dy = array_of<T>(op.dy), x = array_of<T>(op.x), weight = array_of<T>(op.weight);
    Row<T> dweight = Row<T>::Zero(x.cols()), dbias = Row<T>::Zero(x.cols());
    for (int64_t n = 0; n < x.rows(); ++n) {
      const T rstd = op.rstd.data<T>()[n];
      const Row<T> h = (x.row(n) - op.mean.data<T>()[n]) * rstd, g = weight.row(0) * dy.row(n);
      dweight += dy.row(n) * h;
      dbias += dy.row(n);
      if (op.dx.defined()) mutable_rows_of<T>(op.dx).row(n) = (rstd * (g - g.mean() - h * (g * h).mean())).matrix();
    }
    if (op.dweight.defined()) mutable_row_of<T>(op.dweight) = dweight.matrix();
    if (op.dbias.defined()) mutable_row_of<T>(op.dbias) = dbias.matrix();
  });
}

}  // namespace minissl::ops
