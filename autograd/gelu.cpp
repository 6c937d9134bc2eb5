#include "tensor/ops/gelu.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "autograd/recompute.h"

namespace minissl {

// dx = dy gelu'(x + bias). The result is cheap compared with the product that reads it, so backward recomputes it from
// x, which the gradient reads anyway.
Variable gelu(const Variable& x, const Variable& bias) {
  require(x.shape().rank() >= 2 && bias.shape() == Shape{x.shape()[-1]} &&
              bias.value().dtype() == master_type(x.value().dtype()),
          "gelu: {} and bias {} don't fit", x.value(), bias.value());
  const auto compute = [](const std::vector<Tensor>& in) {
    ops::BiasGelu op{in[0], in[1], Tensor::empty_like(in[0])};
    run(op);
    return op.y;
  };
  Variable y = record("bias_gelu", {x, bias}, compute({x.value(), bias.value()}), {x, bias},
                      [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        const Tensor bias = context.saved(1);
                        ops::BiasGeluGradient gradient{dy, context.saved(0), bias, {}, {}};
                        gradient.dx = dy.unique() ? dy : Tensor::empty_like(dy);
                        if (context.needs(1)) gradient.dbias = Tensor::empty_like(bias);
                        run(gradient);
                        return {context.needs(0) ? gradient.dx : Tensor(), gradient.dbias};
                      });
  count_naively(x);
  y.recompute_by(Recompute::each_use, {x, bias}, compute);
  return y;
}

}  // namespace minissl
