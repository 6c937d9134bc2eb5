#include "tensor/ops/batch_norm.h"

#include "tensor/bits.h"
#include "tensor/eigen.h"
#include "tensor/ops/batch_norm_functions.h"

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

template <class T>
using Rows = Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// y = x * scale + shift
template <class T>
struct ScaleAndShift {
  Row<T> scale, shift;

  template <class Op>
  explicit ScaleAndShift(const Op& op)
      : scale(row<T>(op.weight) / (row<T>(op.variance) + static_cast<T>(op.eps)).sqrt()),
        // In the order of PyTorch's, for float64 agreement to the last digits.
        shift(row<T>(op.bias) - row<T>(op.mean) * scale) {}
  auto operator()(const Tensor& x) const { return (columns<T>(x).rowwise() * scale).rowwise() + shift; }
};

// Calls f(row of bits, first element of the row) for each row of channels.
template <class Bits, class F>
void each_row(const Tensor& x, Bits* bits, F&& f) {
  const int64_t channels = x.dim(-1), rows = x.numel() / channels;
  for (int64_t r = 0; r < rows; ++r) f(bits + r * bytes_for_bits(channels), r * channels);
}

// The part of the gradient that passes the ReLU.
template <class T, class Op>
Rows<T> masked_gradient(const Op& op) {
  Rows<T> g = columns<T>(op.dy);
  if (op.mask.defined()) {
    each_row(op.x, op.mask.template data<uint8_t>(), [&](const uint8_t* bits, int64_t first) {
      select_by_bits(bits, g.data() + first, op.x.dim(-1), g.data() + first);
    });
  } else if (op.relu) {
    g = (ScaleAndShift<T>(op)(op.x) > T{0}).select(g, T{0});
  }
  return g;
}

template <class T, class Op>
Row<T> inverse_deviation(const Op& op) {
  return (row<T>(op.variance) + static_cast<T>(op.eps)).sqrt().inverse();
}

}  // namespace

void kernel(Reference, const BatchNormStatistics& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto x = columns<T>(op.x);
    const Row<T> mean = x.colwise().mean();
    mutable_row<T>(op.variance) = (x.rowwise() - mean).square().colwise().mean();
    mutable_row<T>(op.mean) = mean;
  });
}

void kernel(Reference, const BatchNorm& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const ScaleAndShift<T> map(op);
    auto y = mutable_columns<T>(op.y);
    y = map(op.x);
    if (op.residual.defined()) y += columns<T>(op.residual);
    if (op.relu) y = y.max(T{0});
    if (op.mask.defined())
      each_row(op.x, op.mask.mutable_data<uint8_t>(),
               [&](uint8_t* bits, int64_t first) { pack_positive(op.y.data<T>() + first, op.x.dim(-1), bits); });
  });
}

void kernel(Reference, const BatchNormGradientSums& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const Rows<T> g = masked_gradient<T>(op);
    const Row<T> sum_g = g.colwise().sum();
    const Row<T> sum_gx = (g * (columns<T>(op.x).rowwise() - row<T>(op.mean))).colwise().sum();
    auto sums = mutable_columns<double>(op.sums);
    sums.row(0) = sum_g.template cast<double>();
    sums.row(1) = sum_gx.template cast<double>();
    mutable_row<T>(op.dbias) = sum_g;
    mutable_row<T>(op.dweight) = sum_gx * inverse_deviation<T>(op);
  });
}

void kernel(Reference, const BatchNormGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    Rows<T> g = masked_gradient<T>(op);
    const Row<T> inv_std = inverse_deviation<T>(op);
    const Rows<T> normalized = (columns<T>(op.x).rowwise() - row<T>(op.mean)).rowwise() * inv_std;
    const Eigen::Array<T, 2, Eigen::Dynamic, Eigen::RowMajor> means =
        (columns<double>(op.sums) / static_cast<double>(op.count)).template cast<T>();
    if (op.dresidual.defined()) mutable_columns<T>(op.dresidual) = g;
    g.rowwise() -= means.row(0);
    g -= normalized.rowwise() * (means.row(1) * inv_std).eval();
    mutable_columns<T>(op.dx) = g.rowwise() * (row<T>(op.weight) * inv_std).eval();
  });
}

void kernel(Reference, const TrackStatistics& op) {
  visit_arithmetic(op.mean.dtype(), [&](auto type) {
    using T = decltype(type);
    const RunningAverages<T> track{op.mean.data<T>(),
                                   op.variance.data<T>(),
                                   op.running_mean.mutable_data<T>(),
                                   op.running_variance.mutable_data<T>(),
                                   op.mean.dim(0),
                                   op.mean.dim(1),
                                   static_cast<T>(op.count) / static_cast<T>(op.count - 1),
                                   static_cast<T>(op.momentum)};
    for (int64_t c = 0; c < op.mean.dim(1); ++c) track(c);
  });
  ++*op.batches.mutable_data<int64_t>();
}

}  // namespace minissl::ops
