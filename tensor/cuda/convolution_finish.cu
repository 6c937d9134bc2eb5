#include "tensor/cuda/convolution_finish.h"
#include "tensor/cuda/launch.h"

namespace minissl::cuda {
namespace {

template <class T>
void compute(const ops::Convolution& op) {
  using A = Arithmetic<T>;
  const A* bias = data<A>(op.bias);
  const T* residual = data<T>(op.residual);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=, relu = op.relu, channels = op.y.dim(3)] __device__(int64_t i) {
    A value = at(y, i);
    if (bias) value += bias[i % channels];
    if (residual) value += at(residual, i);
    if (relu && value < A(0)) value = 0;  // a NaN must stay to be seen
    y[i] = static_cast<T>(value);
  });
}

}  // namespace

void finish(const ops::Convolution& op) {
  if (!op.bias.defined() && !op.residual.defined() && !op.relu) return;
  visit_floating(op.y.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::cuda
