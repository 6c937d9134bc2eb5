#include <cmath>
#include <vector>

#include "tensor/ops/batch_norm.h"
#include "tensor/parallel.h"

// Memory bandwidth is all that matters here, so each direction reads its tensors exactly twice: once for the sums over
// the batch, once to write the result. Sums are taken over blocks of rows that stay in the first-level cache, which
// lets the variance be computed in two passes (mean first) at the price of one, without cancellation. Blocks depend
// on the shape alone and are added up in order in float64: the same bits on any number of threads.
namespace minissl::ops {
namespace {

int64_t rows_per_block(int64_t channels) { return std::max<int64_t>(1, 24 * 1024 / (channels * 4)); }

// y = x * scale + shift (+ residual), then ReLU, for one row of channels.
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

template <class Op>
void apply_affine(const Op& op, const std::vector<float>& scale, const std::vector<float>& shift) {
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels;
  const float* x = op.x.template data<float>();
  const float* residual = op.residual.defined() ? op.residual.template data<float>() : nullptr;
  float* y = op.y.template mutable_data<float>();
  const auto function = residual ? (op.relu ? affine<true, true> : affine<true, false>)
                                 : (op.relu ? affine<false, true> : affine<false, false>);
  parallel_for(rows, rows_per_block(channels), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      function(x + r * channels, residual ? residual + r * channels : nullptr, scale.data(), shift.data(), channels,
               y + r * channels);
  });
}

template <class Op>
void normalize(const Op& op, const float* mean, const float* variance) {
  const auto channels = static_cast<size_t>(op.x.dim(-1));
  const float *weight = op.weight.template data<float>(), *bias = op.bias.template data<float>();
  std::vector<float> scale(channels), shift(channels);
  for (size_t c = 0; c < channels; ++c) {
    scale[c] = static_cast<float>(weight[c] / std::sqrt(variance[c] + op.eps));
    shift[c] = bias[c] - mean[c] * scale[c];
  }
  apply_affine(op, scale, shift);
}

}  // namespace

void kernel(Cpu, const BatchNorm& op) {
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels;
  const int64_t block_rows = rows_per_block(channels), blocks = (rows + block_rows - 1) / block_rows;
  const float* x = op.x.data<float>();
  // Per block and channel: the mean, and the sum of squared deviations from it.
  const Tensor partial = Tensor::empty({blocks, 2, channels});
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
  std::vector<double> mean(static_cast<size_t>(channels)), squares(static_cast<size_t>(channels));
  for (int64_t b = 0; b < blocks; ++b) {
    const double before = static_cast<double>(b * block_rows);
    const double count = static_cast<double>(std::min(rows, (b + 1) * block_rows)) - before;
    const float* block = sums + b * 2 * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const auto i = static_cast<size_t>(c);
      const double delta = block[c] - mean[i];
      mean[i] += delta * count / (before + count);
      squares[i] += block[channels + c] + delta * delta * before * count / (before + count);
    }
  }
  float *out_mean = op.mean.mutable_data<float>(), *out_variance = op.variance.mutable_data<float>();
  for (int64_t c = 0; c < channels; ++c) {
    out_mean[c] = static_cast<float>(mean[static_cast<size_t>(c)]);
    out_variance[c] = static_cast<float>(squares[static_cast<size_t>(c)] / static_cast<double>(rows));
  }
  normalize(op, out_mean, out_variance);
}

void kernel(Cpu, const BatchNormInference& op) { normalize(op, op.mean.data<float>(), op.variance.data<float>()); }

void kernel(Cpu, const BatchNormGradient& op) {
  const int64_t channels = op.x.dim(-1), rows = op.x.numel() / channels;
  const int64_t block_rows = rows_per_block(channels), blocks = (rows + block_rows - 1) / block_rows;
  const float *dy = op.dy.data<float>(), *x = op.x.data<float>();
  const float *mean = op.mean.data<float>(), *variance = op.variance.data<float>(), *weight = op.weight.data<float>();
  const bool masked_by_relu = op.y.defined(), residual_wanted = op.dresidual.defined();
  float* dx = op.dx.mutable_data<float>();
  // Where there is no such tensor, any other stands in for it, unread.
  const float* y = masked_by_relu ? op.y.data<float>() : x;
  float* dresidual = residual_wanted ? op.dresidual.mutable_data<float>() : dx;

  const Tensor partial = Tensor::empty({blocks, 2, channels});
  float* sums = partial.mutable_data<float>();
  for_blocks(rows, block_rows, [&](int64_t b, int64_t begin, int64_t end) {
    float* sum_g = sums + b * 2 * channels;
    float* sum_gx = sum_g + channels;
    std::fill(sum_g, sum_gx + channels, 0.0f);
    const auto accumulate = [&](auto masked) {
      for (int64_t r = begin; r < end; ++r) {
        const float *dy_row = dy + r * channels, *x_row = x + r * channels, *y_row = y + r * channels;
#pragma omp simd
        for (int64_t c = 0; c < channels; ++c) {
          const float g = !masked || y_row[c] > 0 ? dy_row[c] : 0.0f;
          sum_g[c] += g;
          sum_gx[c] += g * (x_row[c] - mean[c]);
        }
      }
    };
    if (masked_by_relu)
      accumulate(std::true_type{});
    else
      accumulate(std::false_type{});
  });

  std::vector<double> sum_g(static_cast<size_t>(channels)), sum_gx(static_cast<size_t>(channels));
  for (int64_t b = 0; b < blocks; ++b)
    for (int64_t c = 0; c < channels; ++c) {
      sum_g[static_cast<size_t>(c)] += sums[b * 2 * channels + c];
      sum_gx[static_cast<size_t>(c)] += sums[(b * 2 + 1) * channels + c];
    }
  // dx = a * g + b * x + k, per channel.
  std::vector<float> a(static_cast<size_t>(channels)), b(a.size()), k(a.size());
  float *dweight = op.dweight.mutable_data<float>(), *dbias = op.dbias.mutable_data<float>();
  for (int64_t c = 0; c < channels; ++c) {
    const auto i = static_cast<size_t>(c);
    const double inv_std = 1.0 / std::sqrt(variance[c] + op.eps), m = static_cast<double>(rows);
    dbias[c] = static_cast<float>(sum_g[i]);
    dweight[c] = static_cast<float>(sum_gx[i] * inv_std);
    const double scale = weight[c] * inv_std, slope = -scale * inv_std * inv_std * sum_gx[i] / m;
    a[i] = static_cast<float>(scale);
    b[i] = static_cast<float>(slope);
    k[i] = static_cast<float>(-scale * sum_g[i] / m);
  }
  const auto write = [&](auto masked, auto wants_residual) {
    parallel_for(rows, block_rows, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const float *dy_row = dy + r * channels, *x_row = x + r * channels, *y_row = y + r * channels;
        float *dx_row = dx + r * channels, *dresidual_row = dresidual + r * channels;
        const float *pa = a.data(), *pb = b.data(), *pk = k.data();
#pragma omp simd
        for (int64_t c = 0; c < channels; ++c) {
          const float g = !masked || y_row[c] > 0 ? dy_row[c] : 0.0f;
          // Centred first: x and its mean may be large beside their difference.
          dx_row[c] = pa[c] * g + (pb[c] * (x_row[c] - mean[c]) + pk[c]);
          if constexpr (wants_residual) dresidual_row[c] = g;
        }
      }
    });
  };
  if (masked_by_relu && residual_wanted)
    write(std::true_type{}, std::true_type{});
  else if (masked_by_relu)
    write(std::true_type{}, std::false_type{});
  else if (residual_wanted)
    write(std::false_type{}, std::true_type{});
  else
    write(std::false_type{}, std::false_type{});
}

}  // namespace minissl::ops
