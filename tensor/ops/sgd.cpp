#include "tensor/ops/sgd.h"

#include "tensor/ops/update_pieces.h"

namespace minissl::ops {

void kernel(Reference, const Sgd& op) {
  require_arenas(op, {&op.gradient, &op.buffer});
  visit_arithmetic(op.value.dtype(), [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *buffer = op.buffer.mutable_data<T>();
    const StepsByParameter<SgdStep<T>> steps(
        op, [&](const ParameterRates& rates) { return SgdStep<T>(rates, op.momentum); });
    update_pieces(op, value, steps, [=, gradient = op.gradient.data<T>()](const SgdStep<T>& step, int64_t i) {
      step(gradient[i], buffer[i], value[i]);
    });
  });
}

}  // namespace minissl::ops
