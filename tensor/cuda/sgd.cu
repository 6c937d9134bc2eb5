#include "tensor/cuda/update_pieces.h"
#include "tensor/ops/sgd.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const Sgd& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *buffer = mutable_data<T>(op.buffer);
  update_pieces(
      op, value,
      [=, rates = RatesOnGpu(op), momentum = op.momentum] __device__(const Piece& piece) {
        return SgdStep<T>(rates.of(piece), momentum);
      },
      [=] __device__(const SgdStep<T>& step, int64_t i) { step(gradient[i], buffer[i], value[i]); });
}

}  // namespace

void kernel(Cuda, const Sgd& op) {
  require_arenas(op, {&op.gradient, &op.buffer});
  // Weights and their moments are never bf16.
  visit_arithmetic(op.value.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
