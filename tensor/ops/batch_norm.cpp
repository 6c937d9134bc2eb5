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

// y = x * scale + shift
template <class T>
struct ScaleAndShift {
  Row<T> scale, shift;

  template <class Op>
  ScaleAndShift(const Op& op, const Row<T>& mean, const Row<T>& variance)
      : scale(row<T>(op.weight) / (variance + static_cast<T>(op.eps)).sqrt()),
        // In the order of PyTorch's, for float64 agreement to the last digits.
        shift(row<T>(op.bias) - mean * scale) {}
};

template <class T, class Op>
void normalize_columns(const Op& op, const Row<T>& mean, const Row<T>& variance) {
  const ScaleAndShift<T> map(op, mean, variance);
  auto y = mutable_columns<T>(op.y);
  y = (columns<T>(op.x).rowwise() * map.scale).rowwise() + map.shift;
  if (op.residual.defined()) y += columns<T>(op.residual);
  if (op.relu) y = y.max(T{0});
}

// Calls f(row of bits, first element of the row) for each row of channels.
template <class Bits, class F>
void each_row(const Tensor& x, Bits* bits, F&& f) {
  const int64_t channels = x.dim(-1), rows = x.numel() / channels;
  for (int64_t r = 0; r < rows; ++r) f(bits + r * bytes_for_bits(channels), r * channels);
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
    if (op.mask.defined())
      each_row(op.x, op.mask.mutable_data<uint8_t>(),
               [&](uint8_t* bits, int64_t first) { pack_positive(op.y.data<T>() + first, op.x.dim(-1), bits); });
  });
}

void kernel(Reference, const BatchNormInference& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    normalize_columns<T>(op, row<T>(op.mean), row<T>(op.variance));
  });
}

// With x^ = (x - mean) * inv_std and g = dy where there was no ReLU or its output was positive:
//   dbias = sum g, dweight = sum g x^, dx = weight * inv_std * (g - dbias / M - x^ dweight / M).
void kernel(Reference, const BatchNormGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto x = columns<T>(op.x);
    const T count = static_cast<T>(x.rows());
    const Row<T> inv_std = (row<T>(op.variance) + static_cast<T>(op.eps)).sqrt().inverse();
    Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> g = columns<T>(op.dy);
    if (op.mask.defined()) {
      each_row(op.x, op.mask.data<uint8_t>(), [&](const uint8_t* bits, int64_t first) {
        select_by_bits(bits, g.data() + first, op.x.dim(-1), g.data() + first);
      });
    } else if (op.relu) {
      const ScaleAndShift<T> map(op, row<T>(op.mean), row<T>(op.variance));
      g = (((x.rowwise() * map.scale).rowwise() + map.shift) > T{0}).select(g, T{0});
    }
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
