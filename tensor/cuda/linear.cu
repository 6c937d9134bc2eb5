#include "tensor/cuda/launch.h"
#include "tensor/ops/linear.h"
#include "tensor/ops/matmul.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const Linear& op) {
  const auto* bias = op.bias.defined() ? data<Arithmetic<T>>(op.bias) : nullptr;
  const T* residual = op.residual.defined() ? data<T>(op.residual) : nullptr;
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=, width = op.y.dim(-1)] __device__(int64_t i) {
    Arithmetic<T> sum = at(static_cast<const T*>(y), i);
    if (bias) sum += bias[i % width];
    if (residual) sum += at(residual, i);
    y[i] = static_cast<T>(sum);
  });
}

}  // namespace

void kernel(Cuda, const Linear& op) {
  const auto rows = [](const Tensor& t) { return t.view({t.shape().leading(1), t.dim(-1)}); };
  kernel(Cuda{}, MatMul{rows(op.x), op.weight, rows(op.y), false, true});
  visit_floating(op.y.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
