#include "tensor/ops/argmax.h"

#include "tensor/eigen.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

template <class T>
int64_t largest_of(const T* row, int64_t count) {
  int64_t best = 0;
  for (int64_t d = 1; d < count; ++d)
    if (row[d] > row[best]) best = d;
  return best;
}

}  // namespace

void kernel(Reference, const Argmax& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    const auto* x = op.x.data<decltype(type)>();
    const int64_t width = op.x.dim(1);
    for (int64_t n = 0; n < op.x.dim(0); ++n) op.y.mutable_data<int64_t>()[n] = largest_of(x + n * width, width);
  });
}

void kernel(Cpu, const Argmax& op) {
  const int64_t width = op.x.dim(1);
  const float* x = op.x.data<float>();
  auto* y = op.y.mutable_data<int64_t>();
  parallel_for(op.x.dim(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      // The maximum is vector code; its place is then found without comparing all numbers one after another.
      const float* row = x + n * width;
      const float largest = Eigen::Map<const Eigen::ArrayXf>(row, width).maxCoeff();
      const float* found = std::find(row, row + width, largest);
      y[n] = found < row + width ? found - row : largest_of(row, width);  // NaN is equal to nothing
    }
  });
}

void kernel(Reference, const Hardmax& op) {
  visit_arithmetic(op.y.dtype(), [&](auto type) {
    using T = decltype(type);
    auto y = mutable_rows_of<T>(op.y);
    y = T(0) * rows_of<T>(op.x);  // 0, or NaN
    for (int64_t n = 0; n < y.rows(); ++n) y(n, op.index.data<int64_t>()[n]) += 1;
  });
}

Tensor argmax(const Tensor& x) {
  require(x.rank() == 2 && x.dim(1) > 0, "argmax needs rows (N, D), not {}", x);
  Tensor y = Tensor::empty({x.dim(0)}, DType::i64, x.device());
  run(Argmax{x, y});
  return y;
}

Tensor hardmax(const Tensor& x) {
  Tensor y = Tensor::empty_like(x);
  run(Hardmax{x, argmax(x), y});
  return y;
}

}  // namespace minissl::ops
