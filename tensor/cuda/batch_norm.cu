#include "tensor/bits.h"
#include "tensor/cuda/reduce.h"
#include "tensor/ops/batch_norm.h"
#include "tensor/ops/batch_norm_functions.h"

// Images are T, everything with one number per channel is Arithmetic<T>, but the gradient's sums, which are float64.
// Each operation reads its images once. Those that write images give eight channels to a thread, because a byte of the
// mask is eight bits.
namespace minissl::ops {
namespace {

using namespace cuda;

// A channel's y = x * scale + shift. Rounded in one way everywhere: what the ReLU let through is found again from x.
template <class A>
struct ScaleAndShift {
  A scale, shift;

  MINISSL_HD ScaleAndShift(A weight, A bias, A mean, A variance, double eps)
      : scale(weight / std::sqrt(variance + static_cast<A>(eps))), shift(std::fma(-mean, scale, bias)) {}
  MINISSL_HD A operator()(A x) const { return std::fma(x, scale, shift); }
};

// The elements of a tensor (..., C) in groups of eight channels, the last of a row smaller.
struct Channels {
  static constexpr int64_t group = 8;
  int64_t channels, groups;
  explicit Channels(const Tensor& x) : channels(x.dim(-1)), groups(bytes_for_bits(channels)) {}
  int64_t rows(const Tensor& x) const { return x.numel() / channels; }
  /// For the i-th group: f(element, channel, bit) for each of its channels.
  template <class F>
  MINISSL_HD void each(int64_t i, F f) const {
    const int64_t row = i / groups, first = i % groups * group;
    for (int64_t bit = 0; bit < group && first + bit < channels; ++bit)
      f(row * channels + first + bit, first + bit, static_cast<int>(bit));
  }
};

template <class T>
void compute(const BatchNormStatistics& op) {
  using A = Arithmetic<T>;
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels;
  const T* x = data<T>(op.x);
  A *mean = mutable_data<A>(op.mean), *variance = mutable_data<A>(op.variance);
  // Sums of x less the channel's first element, and of its square: near the mean, the difference doesn't cancel.
  reduce_columns<A, 2>(
      op, rows, channels,
      [=] __device__(int64_t r, int64_t c) {
        const A value = at(x, r * channels + c) - at(x, c);
        return Sums<A, 2>{{value, value * value}};
      },
      [=] __device__(int64_t c, const Sums<double, 2>& sums) {
        const double shifted = sums.of[0] / static_cast<double>(rows);
        const double squares = sums.of[1] / static_cast<double>(rows) - shifted * shifted;
        mean[c] = static_cast<A>(static_cast<double>(at(x, c)) + shifted);
        variance[c] = static_cast<A>(squares < 0 ? 0 : squares);
      });
}

template <class T>
void compute(const BatchNorm& op) {
  using A = Arithmetic<T>;
  const T *x = data<T>(op.x), *residual = data<T>(op.residual);
  const A *weight = data<A>(op.weight), *bias = data<A>(op.bias), *mean = data<A>(op.mean);
  const A* variance = data<A>(op.variance);
  T* y = mutable_data<T>(op.y);
  auto* bits = mutable_data<uint8_t>(op.mask);
  const Channels channels(op.x);
  each(op, channels.rows(op.x) * channels.groups, [=, eps = op.eps, relu = op.relu] __device__(int64_t i) {
    unsigned positive = 0;
    channels.each(i, [&](int64_t e, int64_t c, int bit) {
      A value = ScaleAndShift<A>(weight[c], bias[c], mean[c], variance[c], eps)(at(x, e));
      if (residual) value += at(residual, e);
      if (relu && value < A(0)) value = 0;  // a NaN must reach the loss to be seen
      y[e] = static_cast<T>(value);
      positive |= (value > A(0) ? 1U : 0U) << bit;
    });
    if (bits) bits[i] = static_cast<uint8_t>(positive);
  });
}

// The part of the gradient that passes the ReLU.
template <class T>
struct Masked {
  using A = Arithmetic<T>;
  const T *dy, *x;
  const A *weight, *bias, *mean, *variance;
  const uint8_t* bits;
  int64_t channels;
  double eps;
  bool relu;

  template <class Op>
  explicit Masked(const Op& op)
      : dy(data<T>(op.dy)),
        x(data<T>(op.x)),
        weight(data<A>(op.weight)),
        bias(data<A>(op.bias)),
        mean(data<A>(op.mean)),
        variance(data<A>(op.variance)),
        bits(data<uint8_t>(op.mask)),
        channels(op.x.dim(-1)),
        eps(op.eps),
        relu(op.relu) {}

  MINISSL_HD A operator()(int64_t e, int64_t c) const {
    if (!relu) return at(dy, e);
    const bool passes = bits ? bits[e / channels * bytes_for_bits(channels) + c / 8] >> (c % 8) & 1
                             : ScaleAndShift<A>(weight[c], bias[c], mean[c], variance[c], eps)(at(x, e)) > A(0);
    return passes ? at(dy, e) : A(0);
  }
};

template <class T>
void compute(const BatchNormGradientSums& op) {
  using A = Arithmetic<T>;
  const Masked<T> masked(op);
  const int64_t width = op.x.dim(-1), rows = op.x.numel() / width;
  A *dweight = mutable_data<A>(op.dweight), *dbias = mutable_data<A>(op.dbias);
  auto* totals = mutable_data<double>(op.sums);
  reduce_columns<A, 2>(
      op, rows, width,
      [=] __device__(int64_t r, int64_t c) {
        const int64_t e = r * width + c;
        const A g = masked(e, c);
        return Sums<A, 2>{{g, g * (at(masked.x, e) - masked.mean[c])}};
      },
      [=, eps = op.eps] __device__(int64_t c, const Sums<double, 2>& sums) {
        totals[c] = sums.of[0];
        totals[width + c] = sums.of[1];
        dbias[c] = static_cast<A>(sums.of[0]);
        dweight[c] = static_cast<A>(sums.of[1] / std::sqrt(static_cast<double>(masked.variance[c]) + eps));
      });
}

// A channel's dx = scale * (g - mean_g - x^ * mean_gx), x^ = (x - mean) * inv_std.
template <class A>
struct GradientTerms {
  A inv_std, scale, mean_g, mean_gx;
};

template <class T>
void compute(const BatchNormGradient& op) {
  using A = Arithmetic<T>;
  const Masked<T> masked(op);
  const Channels channels(op.x);
  const int64_t width = channels.channels;
  require(width * static_cast<int64_t>(sizeof(GradientTerms<A>)) <= Scratch::bytes,
          "{}: {} channels are too many for a GPU's scratch memory", op.name, width);
  // Once for each channel: float64 roots and divisions are too dear to repeat for each element.
  const Scratch scratch(op.dy.device());
  auto* terms = scratch.as<GradientTerms<A>>();
  const auto* sums = data<double>(op.sums);
  each(op, width, [=, eps = op.eps, count = static_cast<A>(op.count)] __device__(int64_t c) {
    const A inv_std = A(1) / std::sqrt(masked.variance[c] + static_cast<A>(eps));
    const A sum_g = static_cast<A>(sums[c]);
    const A sum_gx = static_cast<A>(sums[width + c] / std::sqrt(static_cast<double>(masked.variance[c]) + eps));
    terms[c] = {inv_std, masked.weight[c] * inv_std, sum_g / count, sum_gx / count};
  });
  T *dx = mutable_data<T>(op.dx), *dresidual = mutable_data<T>(op.dresidual);
  each(op, channels.rows(op.x) * channels.groups, [=] __device__(int64_t i) {
    channels.each(i, [&](int64_t e, int64_t c, int) {
      const GradientTerms<A> of = terms[c];
      const A g = masked(e, c), normalized = (at(masked.x, e) - masked.mean[c]) * of.inv_std;
      const A value = of.scale * (g - of.mean_g - normalized * of.mean_gx);
      // dx or dresidual may be dy: both come after it was read.
      if (dresidual) dresidual[e] = static_cast<T>(g);
      dx[e] = static_cast<T>(value);
    });
  });
}

template <class T>
void compute(const TrackStatistics& op) {
  const RunningAverages<T> track{data<T>(op.mean),
                                 data<T>(op.variance),
                                 mutable_data<T>(op.running_mean),
                                 mutable_data<T>(op.running_variance),
                                 op.mean.dim(0),
                                 op.mean.dim(1),
                                 static_cast<T>(op.count) / static_cast<T>(op.count - 1),
                                 static_cast<T>(op.momentum)};
  each(op, op.mean.dim(1), [=, batches = mutable_data<int64_t>(op.batches)] __device__(int64_t c) {
    track(c);
    if (c == 0) ++*batches;
  });
}

}  // namespace

void kernel(Cuda, const BatchNormStatistics& op) {
  visit_floating(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const BatchNorm& op) {
  visit_floating(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const BatchNormGradientSums& op) {
  visit_floating(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const BatchNormGradient& op) {
  visit_floating(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const TrackStatistics& op) {
  visit_arithmetic(op.mean.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
