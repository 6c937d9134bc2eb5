#include "tensor/ops/softmax.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "tensor/ops/argmax.h"

// tensor/ops/softmax.h has the formulas of the gradients.
namespace minissl {

Variable softmax(const Variable& x, double scale, const Tensor& noise) {
  require(x.shape().rank() == 2 && (!noise.defined() || noise.shape() == x.shape()),
          "softmax needs rows (N, D), and noise of their shape, not {} and {}", x.value(), noise);
  const ops::Softmax op{x.value(), noise, Tensor::empty_like(x.value()), scale};
  run(op);
  return record("softmax", {x}, op.y, {op.y}, [scale](const Tensor& dy, const BackwardContext& context) -> Gradients {
    const ops::SoftmaxGradient gradient{dy, context.saved(0), dy.unique() ? dy : Tensor::empty_like(dy), scale};
    run(gradient);
    return {gradient.dx};
  });
}

Variable softmax_entropy(const Variable& x) {
  require(x.shape().rank() == 2, "softmax_entropy needs rows (N, D), not {}", x.value());
  const Shape rows{x.shape()[0]};
  const ops::SoftmaxEntropy op{x.value(), like(x.value(), rows), like(x.value(), rows)};
  run(op);
  return record(
      "softmax_entropy", {x}, op.y, {x, op.y, op.log_sum_exp},
      [](const Tensor& dy, const BackwardContext& context) -> Gradients {
        const Tensor x = context.saved(0);
        const ops::SoftmaxEntropyGradient gradient{dy, x, context.saved(1), context.saved(2), Tensor::empty_like(x)};
        run(gradient);
        return {gradient.dx};
      });
}

Variable straight_through(const Variable& x) {
  return record("straight_through", {x}, ops::hardmax(x.value()), {},
                [](const Tensor& dy, const BackwardContext&) -> Gradients { return {dy}; });
}

}  // namespace minissl
