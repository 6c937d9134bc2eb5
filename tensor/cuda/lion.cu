#include "tensor/cuda/update_pieces.h"
#include "tensor/ops/lion.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const Lion& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *m = mutable_data<T>(op.m);
  update_pieces(
      op, value,
      [=, rates = RatesOnGpu(op), beta1 = op.beta1, beta2 = op.beta2] __device__(const Piece& piece) {
        return LionStep<T>(rates.of(piece), beta1, beta2);
      },
      [=] __device__(const LionStep<T>& step, int64_t i) { step(gradient[i], m[i], value[i]); });
}

}  // namespace

void kernel(Cuda, const Lion& op) {
  require_arenas(op, {&op.gradient, &op.m});
  // Weights and their moments are never bf16.
  visit_arithmetic(op.value.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
