#include <cmath>
#include <vector>

#include "tensor/bits.h"
#include "tensor/ops/batch_norm.h"
#include "tensor/parallel.h"

// Memory bandwidth is all that matters here: each operation reads its tensors exactly once, the statistics and the
// gradient's sums to reduce them over the batch, the others to write their results. Sums are taken over blocks of rows
// that stay in the caches, which lets the variance be computed in two passes (mean first) at the price of one, without
// cancellation. Blocks depend on the shape alone and are added up in order in float64: the same bits on any number of
// threads.
namespace minissl::ops {
namespace {

// In the first-level cache, but not so few that the sums of blocks take as long as the blocks: a ResNet-50's last maps
// have 2048 channels.
int64_t rows_per_block(int64_t channels) { return std::max<int64_t>(32, 24 * 1024 / (channels * 4)); }
constexpr int64_t channels_at_once = 64;

// Two sums per block and channel.
template <class Op>
Shape partial_sums(const Op& op) {
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels, block_rows = rows_per_block(channels);
  return {(rows + block_rows - 1) / block_rows, 2, channels};
}

// y = x * scale + shift, a number of each for every channel.
struct ScaleAndShift {
  std::vector<float> scale, shift;

  template <class Op>
  explicit ScaleAndShift(const Op& op) : scale(static_cast<size_t>(op.x.dim(-1))), shift(scale.size()) {
    const float *weight = op.weight.template data<float>(), *bias = op.bias.template data<float>();
    const float *mean = op.mean.template data<float>(), *variance = op.variance.template data<float>();
    for (size_t c = 0; c < scale.size(); ++c) {
      scale[c] = static_cast<float>(weight[c] / std::sqrt(variance[c] + op.eps));
      shift[c] = bias[c] - mean[c] * scale[c];
    }
  }
};

// One row of channels of it, the residual added, then ReLU.
template <bool add, bool relu>
void affine(const float* x, const float* residual, const float* scale, const float* shift, int64_t channels, float* y) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    float v = x[c] * scale[c] + shift[c];
    if constexpr (add) v += residual[c];
    if constexpr (relu) v = v < 0 ? 0 : v;  // a NaN must reach the loss to be seen
    y[c] = v;
  }
}

// The part of the gradient that passes the ReLU, row by row: all of it, what the mask lets through, or what the mask
// would if it were there (it follows from x where nothing was added before the ReLU, and reading x again is cheaper
// than reading y).
class Masked {
 public:
  template <class Op>
  explicit Masked(const Op& op)
      : dy_(op.dy.template data<float>()),
        x_(op.x.template data<float>()),
        channels_(op.x.dim(-1)),
        bits_(op.mask.defined() ? op.mask.template data<uint8_t>() : nullptr),
        map_(op),
        from_x_(op.relu && bits_ == nullptr) {}

  /// Row r, in `buffer` unless it is the gradient's own.
  const float* row(int64_t r, float* buffer) const {
    const float* dy = dy_ + r * channels_;
    if (bits_ != nullptr) {
      select_by_bits(bits_ + r * bytes_for_bits(channels_), dy, channels_, buffer);
      return buffer;
    }
    if (!from_x_) return dy;
    const float *x = x_ + r * channels_, *scale = map_.scale.data(), *shift = map_.shift.data();
#pragma omp simd
    for (int64_t c = 0; c < channels_; ++c) buffer[c] = x[c] * scale[c] + shift[c] > 0 ? dy[c] : 0.0f;
    return buffer;
  }

 private:
  const float *dy_, *x_;
  int64_t channels_;
  const uint8_t* bits_;
  ScaleAndShift map_;
  bool from_x_;
};

}  // namespace

void kernel(Cpu, const BatchNormStatistics& op) {
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels;
  const int64_t block_rows = rows_per_block(channels), blocks = (rows + block_rows - 1) / block_rows;
  const float* x = op.x.data<float>();
  // Per block and channel: the mean, and the sum of squared deviations from it.
  const Tensor partial = Tensor::empty(partial_sums(op));
  float* sums = partial.mutable_data<float>();
  for_blocks(rows, block_rows, [&](int64_t b, int64_t begin, int64_t end) {
    float* mean = sums + b * 2 * channels;
    float* squares = mean + channels;
    std::fill(mean, squares + channels, 0.0f);
    for (int64_t r = begin; r < end; ++r)
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) mean[c] += x[r * channels + c];
    const float inverse = 1.0f / static_cast<float>(end - begin);
    for (int64_t c = 0; c < channels; ++c) mean[c] *= inverse;
    for (int64_t r = begin; r < end; ++r)
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float d = x[r * channels + c] - mean[c];
        squares[c] += d * d;
      }
  });
  // Chan, Golub and LeVeque 1983: merging means and squared deviations of parts.
  float *out_mean = op.mean.mutable_data<float>(), *out_variance = op.variance.mutable_data<float>();
  for_blocks(channels, channels_at_once, [&](int64_t, int64_t first, int64_t last) {
    double mean[channels_at_once] = {}, squares[channels_at_once] = {};
    for (int64_t b = 0; b < blocks; ++b) {
      const double before = static_cast<double>(b * block_rows);
      const double count = static_cast<double>(std::min(rows, (b + 1) * block_rows)) - before;
      const double share = count / (before + count);
      const float *block_mean = sums + b * 2 * channels + first, *block_squares = block_mean + channels;
#pragma omp simd
      for (int64_t c = 0; c < last - first; ++c) {
        const double delta = block_mean[c] - mean[c];
        mean[c] += delta * share;
        squares[c] += block_squares[c] + delta * delta * (before * share);
      }
    }
    for (int64_t c = first; c < last; ++c) {
      out_mean[c] = static_cast<float>(mean[c - first]);
      out_variance[c] = static_cast<float>(squares[c - first] / static_cast<double>(rows));
    }
  });
}

int64_t workspace_bytes(Cpu, const BatchNormStatistics& op) { return partial_sums(op).numel() * size_of(DType::f32); }

void kernel(Cpu, const BatchNorm& op) {
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels;
  const ScaleAndShift map(op);
  const float* x = op.x.data<float>();
  const float* residual = op.residual.defined() ? op.residual.data<float>() : nullptr;
  float* y = op.y.mutable_data<float>();
  uint8_t* mask = op.mask.defined() ? op.mask.mutable_data<uint8_t>() : nullptr;
  const auto function = residual ? (op.relu ? affine<true, true> : affine<true, false>)
                                 : (op.relu ? affine<false, true> : affine<false, false>);
  parallel_for(rows, rows_per_block(channels), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      function(x + r * channels, residual ? residual + r * channels : nullptr, map.scale.data(), map.shift.data(),
               channels, y + r * channels);
      if (mask) pack_positive(y + r * channels, channels, mask + r * bytes_for_bits(channels));
    }
  });
}

void kernel(Cpu, const BatchNormGradientSums& op) {
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels;
  const int64_t block_rows = rows_per_block(channels), blocks = (rows + block_rows - 1) / block_rows;
  const float *x = op.x.data<float>(), *mean = op.mean.data<float>(), *variance = op.variance.data<float>();
  const Masked masked(op);

  const Tensor partial = Tensor::empty(partial_sums(op));
  float* sums = partial.mutable_data<float>();
  for_blocks(rows, block_rows, [&](int64_t b, int64_t begin, int64_t end) {
    float* sum_g = sums + b * 2 * channels;
    float* sum_gx = sum_g + channels;
    std::fill(sum_g, sum_gx + channels, 0.0f);
    std::vector<float> buffer(static_cast<size_t>(channels));
    for (int64_t r = begin; r < end; ++r) {
      const float *g = masked.row(r, buffer.data()), *x_row = x + r * channels;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        sum_g[c] += g[c];
        sum_gx[c] += g[c] * (x_row[c] - mean[c]);
      }
    }
  });

  double *sum_g = op.sums.mutable_data<double>(), *sum_gx = sum_g + channels;
  std::fill(sum_g, sum_gx + channels, 0.0);
  parallel_for(channels, channels_at_once, [&](int64_t first, int64_t last) {
    for (int64_t b = 0; b < blocks; ++b)
#pragma omp simd
      for (int64_t c = first; c < last; ++c) {
        sum_g[c] += sums[b * 2 * channels + c];
        sum_gx[c] += sums[(b * 2 + 1) * channels + c];
      }
  });
  float *dweight = op.dweight.mutable_data<float>(), *dbias = op.dbias.mutable_data<float>();
  for (int64_t c = 0; c < channels; ++c) {
    dbias[c] = static_cast<float>(sum_g[c]);
    dweight[c] = static_cast<float>(sum_gx[c] * (1.0 / std::sqrt(variance[c] + op.eps)));
  }
}

int64_t workspace_bytes(Cpu, const BatchNormGradientSums& op) { return partial_sums(op).numel() * size_of(DType::f32); }

void kernel(Cpu, const BatchNormGradient& op) {
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels;
  const float *x = op.x.data<float>(), *mean = op.mean.data<float>(), *variance = op.variance.data<float>();
  const float* weight = op.weight.data<float>();
  const double *sum_g = op.sums.data<double>(), *sum_gx = sum_g + channels;
  const Masked masked(op);
  // dx = a * g + b * (x - mean) + k, per channel.
  std::vector<float> a(static_cast<size_t>(channels)), b(a.size()), k(a.size());
  for (int64_t c = 0; c < channels; ++c) {
    const auto i = static_cast<size_t>(c);
    const double inv_std = 1.0 / std::sqrt(variance[c] + op.eps), m = static_cast<double>(op.count);
    const double scale = weight[c] * inv_std, slope = -scale * inv_std * inv_std * sum_gx[c] / m;
    a[i] = static_cast<float>(scale);
    b[i] = static_cast<float>(slope);
    k[i] = static_cast<float>(-scale * sum_g[c] / m);
  }
  float* dx = op.dx.mutable_data<float>();
  float* dresidual = op.dresidual.defined() ? op.dresidual.mutable_data<float>() : nullptr;
  parallel_for(rows, rows_per_block(channels), [&](int64_t begin, int64_t end) {
    std::vector<float> buffer(static_cast<size_t>(channels));
    const float *pa = a.data(), *pb = b.data(), *pk = k.data();
    for (int64_t r = begin; r < end; ++r) {
      const float *g = masked.row(r, buffer.data()), *x_row = x + r * channels;
      float* dx_row = dx + r * channels;
      if (dresidual) std::copy_n(g, channels, dresidual + r * channels);
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c)
        // Centred first: x and its mean may be large beside their difference.
        dx_row[c] = pa[c] * g[c] + (pb[c] * (x_row[c] - mean[c]) + pk[c]);
    }
  });
}

}  // namespace minissl::ops
