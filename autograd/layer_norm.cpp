#include "tensor/ops/layer_norm.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "autograd/recompute.h"

namespace minissl {
namespace {

void require_row(const char* what, const Tensor& row, const Tensor& x) {
  require(x.rank() >= 2 && x.dim(-1) > 0 && row.shape() == Shape{x.dim(-1)} && row.dtype() == master_type(x.dtype()),
          "layer_norm: {} {} doesn't fit {}; it needs one number for each element of a row", what, row, x);
}

}  // namespace

// ops::LayerNormGradient has the formula. The result is cheap compared with the product that reads it, so backward
// recomputes it from x, which the gradient reads anyway.
Variable layer_norm(const Variable& x, const Variable& weight, const Variable& bias, double eps) {
  require_row("weight", weight.value(), x.value());
  require_row("bias", bias.value(), x.value());
  require(eps > 0, "layer_norm: eps must be above 0, not {}", eps);
  ops::LayerNorm op{x.value(), weight.value(), bias.value(), Tensor::empty_like(x.value()), {}, {}, eps};
  if (will_record({x, weight, bias})) {
    op.mean = like(weight.value(), {x.shape().leading(1)});
    op.rstd = like(weight.value(), {x.shape().leading(1)});
  }
  run(op);
  Variable y = record("layer_norm", {x, weight, bias}, op.y, {x, weight, op.mean, op.rstd},
                      [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        const Tensor weight = context.saved(1);
                        ops::LayerNormGradient gradient{
                            dy, context.saved(0), weight, context.saved(2), context.saved(3), {}, {}, {}};
                        if (context.needs(0)) gradient.dx = dy.unique() ? dy : Tensor::empty_like(dy);
                        if (context.needs(1) || context.needs(2)) {
                          gradient.dweight = Tensor::empty_like(weight);
                          gradient.dbias = Tensor::empty_like(weight);
                        }
                        run(gradient);
                        return {gradient.dx, gradient.dweight, gradient.dbias};
                      });
  count_naively(x);
  y.recompute_by(Recompute::each_use, {x, weight, bias}, [eps](const std::vector<Tensor>& in) {
    ops::LayerNorm again{in[0], in[1], in[2], Tensor::empty_like(in[0]), {}, {}, eps};
    run(again);
    return again.y;
  });
  return y;
}

}  // namespace minissl
