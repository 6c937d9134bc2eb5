#include "tensor/cuda/update_pieces.h"
#include "tensor/ops/adamw.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const AdamW& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *m = mutable_data<T>(op.m), *v = mutable_data<T>(op.v);
  update_pieces(
      op, value,
      [=, rates = RatesOnGpu(op), beta1 = op.beta1, beta2 = op.beta2, eps = op.eps] __device__(const Piece& piece) {
        // Powers in float64 are slow.
        return made_once([&] { return AdamWStep<T>(rates.of(piece), beta1, beta2, eps); });
      },
      [=] __device__(const AdamWStep<T>& step, int64_t i) { step(gradient[i], m[i], v[i], value[i]); });
}

}  // namespace

void kernel(Cuda, const AdamW& op) {
  require_arenas(op, {&op.gradient, &op.m, &op.v});
  // Weights and their moments are never bf16.
  visit_arithmetic(op.value.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
