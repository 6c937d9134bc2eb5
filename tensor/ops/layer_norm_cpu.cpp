#include <cmath>

#include "tensor/ops/layer_norm.h"
#include "tensor/ops/row_blocks.h"
#include "tensor/parallel.h"

// A row fits the first-level cache, so its passes (mean, variance, result) read memory once.
namespace minissl::ops {
namespace {

template <class F>
float sum_of(int64_t count, F value) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t d = 0; d < count; ++d) sum += value(d);
  return sum;
}

// The pointers and numbers of a gradient.
struct Gradient {
  explicit Gradient(const LayerNormGradient& op)
      : dy(op.dy.data<float>()),
        x(op.x.data<float>()),
        weight(op.weight.data<float>()),
        mean(op.mean.data<float>()),
        rstd(op.rstd.data<float>()),
        dx(op.dx.defined() ? op.dx.mutable_data<float>() : nullptr),
        width(op.x.dim(-1)) {}

  // sums[d] += dy[n,d] h[n,d], sums[width + d] += dy[n,d].
  void add_parameters(int64_t n, float* sums) const {
    const float *dy_row = dy + n * width, *x_row = x + n * width;
    float* bias_sums = sums + width;
    const float m = mean[n], r = rstd[n];
#pragma omp simd
    for (int64_t d = 0; d < width; ++d) {
      sums[d] += dy_row[d] * ((x_row[d] - m) * r);
      bias_sums[d] += dy_row[d];
    }
  }

  void write_input(int64_t n) const {
    const float *dy_row = dy + n * width, *x_row = x + n * width, *w = weight;
    float* dx_row = dx + n * width;
    const float m = mean[n], r = rstd[n];
    float g_sum = 0, gh_sum = 0;
#pragma omp simd reduction(+ : g_sum, gh_sum)
    for (int64_t d = 0; d < width; ++d) {
      const float g = w[d] * dy_row[d];
      g_sum += g;
      gh_sum += g * ((x_row[d] - m) * r);
    }
    const float g_mean = g_sum / static_cast<float>(width), gh_mean = gh_sum / static_cast<float>(width);
#pragma omp simd
    for (int64_t d = 0; d < width; ++d) dx_row[d] = r * (w[d] * dy_row[d] - g_mean - (x_row[d] - m) * r * gh_mean);
  }

  const float *dy, *x, *weight, *mean, *rstd;
  float* dx;
  int64_t width;
};

}  // namespace

void kernel(Cpu, const LayerNorm& op) {
  const int64_t width = op.x.dim(-1);
  const float *x = op.x.data<float>(), *weight = op.weight.data<float>(), *bias = op.bias.data<float>();
  float *y = op.y.mutable_data<float>(), *means = op.mean.defined() ? op.mean.mutable_data<float>() : nullptr,
        *rstds = op.rstd.defined() ? op.rstd.mutable_data<float>() : nullptr;
  parallel_for(op.x.shape().leading(1), std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* row = x + n * width;
      float* out = y + n * width;
      const float mean = sum_of(width, [=](int64_t d) { return row[d]; }) / static_cast<float>(width);
      const float squares = sum_of(width, [=](int64_t d) { return (row[d] - mean) * (row[d] - mean); });
      const float rstd = 1 / std::sqrt(squares / static_cast<float>(width) + static_cast<float>(op.eps));
#pragma omp simd
      for (int64_t d = 0; d < width; ++d) out[d] = weight[d] * ((row[d] - mean) * rstd) + bias[d];
      if (means) means[n] = mean;
      if (rstds) rstds[n] = rstd;
    }
  });
}

void kernel(Cpu, const LayerNormGradient& op) {
  const Gradient gradient(op);
  const int64_t rows = op.x.shape().leading(1), width = gradient.width;
  if (!op.dweight.defined())
    return parallel_for(rows, std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) gradient.write_input(n);
    });
  float *dweight = op.dweight.mutable_data<float>(), *dbias = op.dbias.mutable_data<float>();
  sum_row_blocks(
      rows, 2 * width,
      [&](int64_t begin, int64_t end, float* sums) {
        for (int64_t n = begin; n < end; ++n) {
          gradient.add_parameters(n, sums);
          if (gradient.dx) gradient.write_input(n);  // which may overwrite dy
        }
      },
      [=](int64_t c, float total) { (c < width ? dweight[c] : dbias[c - width]) = total; });
}

int64_t workspace_bytes(Cpu, const LayerNormGradient& op) {
  return op.dweight.defined() ? row_blocks_bytes(op.x.shape().leading(1), 2 * op.x.dim(-1)) : 0;
}

}  // namespace minissl::ops
