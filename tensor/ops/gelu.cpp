#include "tensor/ops/gelu.h"

#include "tensor/ops/functions.h"
#include "tensor/ops/row_blocks.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

constexpr int64_t elements_per_part = 16384;

// dx = dy gelu'(x + bias) in a row, and the same added to `sums`, if that is not null.
void write_row(int64_t width, const float* dy, const float* x, const float* bias, float* dx, float* sums) {
  const auto write = [=](int64_t d) { return dx[d] = Gelu{}.gradient(dy[d], x[d] + bias[d], 0.0F); };
  if (sums) {
#pragma omp simd
    for (int64_t d = 0; d < width; ++d) sums[d] += write(d);
  } else {
#pragma omp simd
    for (int64_t d = 0; d < width; ++d) write(d);
  }
}

}  // namespace

void kernel(Reference, const BiasGelu& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const T *x = op.x.data<T>(), *bias = op.bias.data<T>();
    T* y = op.y.mutable_data<T>();
    for (int64_t i = 0; i < op.x.numel(); ++i) y[i] = Gelu{}(x[i] + bias[i % op.bias.numel()]);
  });
}

void kernel(Reference, const BiasGeluGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const T *dy = op.dy.data<T>(), *x = op.x.data<T>(), *bias = op.bias.data<T>();
    T *dx = op.dx.mutable_data<T>(), *dbias = op.dbias.defined() ? op.dbias.mutable_data<T>() : nullptr;
    if (dbias) std::fill_n(dbias, op.bias.numel(), T(0));
    for (int64_t i = 0; i < op.dy.numel(); ++i) {
      const int64_t d = i % op.bias.numel();
      const T gradient = Gelu{}.gradient(dy[i], x[i] + bias[d], T(0));
      dx[i] = gradient;
      if (dbias) dbias[d] += gradient;
    }
  });
}

void kernel(Cpu, const BiasGelu& op) {
  const int64_t width = op.bias.numel();
  const float *x = op.x.data<float>(), *bias = op.bias.data<float>();
  float* y = op.y.mutable_data<float>();
  parallel_for(op.x.numel() / width, std::max<int64_t>(1, elements_per_part / width), [=](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* row = x + n * width;
      float* out = y + n * width;
#pragma omp simd
      for (int64_t d = 0; d < width; ++d) out[d] = Gelu{}(row[d] + bias[d]);
    }
  });
}

void kernel(Cpu, const BiasGeluGradient& op) {
  const int64_t width = op.bias.numel(), rows = op.x.numel() / width;
  const float *dy = op.dy.data<float>(), *x = op.x.data<float>(), *bias = op.bias.data<float>();
  float* dx = op.dx.mutable_data<float>();
  const auto write_rows = [=](int64_t begin, int64_t end, float* sums) {
    for (int64_t n = begin; n < end; ++n) write_row(width, dy + n * width, x + n * width, bias, dx + n * width, sums);
  };
  if (!op.dbias.defined())
    return parallel_for(rows, std::max<int64_t>(1, elements_per_part / width),
                        [=](int64_t begin, int64_t end) { write_rows(begin, end, nullptr); });
  sum_row_blocks(rows, width, write_rows,
                 [dbias = op.dbias.mutable_data<float>()](int64_t d, float total) { dbias[d] = total; });
}

int64_t workspace_bytes(Cpu, const BiasGeluGradient& op) {
  const int64_t width = op.bias.numel();
  return op.dbias.defined() ? row_blocks_bytes(op.x.numel() / width, width) : 0;
}

}  // namespace minissl::ops
