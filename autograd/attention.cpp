#include "tensor/ops/attention.h"

#include <cmath>

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "autograd/recompute.h"

namespace minissl {

// ops::AttentionGradient has the formula.
Variable attention(const Variable& qkv, double scale, const Variable& bias) {
  const Shape& in = qkv.shape();
  require(in.rank() == 5 && in[2] == 3 && in.numel() > 0,
          "attention needs queries, keys and values (N, L, 3, H, d), not {}", qkv.value());
  require(in[4] <= ops::most_head_elements, "attention: heads have at most {} elements, not {}",
          ops::most_head_elements, in[4]);
  require(std::isfinite(scale), "attention: the scale must be a number, not {}", scale);
  const DType type = master_type(qkv.value().dtype());
  require(!bias.defined() || (bias.shape() == Shape{in[3], in[1], in[1]} && bias.value().dtype() == type),
          "attention: a bias {} doesn't fit the heads of {}", bias.defined() ? bias.value().str() : "", qkv.value());
  const Shape out{in[0], in[1], in[3] * in[4]};
  const auto compute = [out, scale](const Tensor& qkv, const Tensor& bias, const Tensor& log_sum_exp) {
    ops::Attention op{qkv, bias, like(qkv, out), log_sum_exp, scale};
    run(op);
    return op;
  };
  const Tensor log_sum_exp =
      will_record({qkv, bias}) ? Tensor::empty({in[0], in[3], in[1]}, type, qkv.value().device()) : Tensor();
  const ops::Attention op = compute(qkv.value(), bias.value(), log_sum_exp);
  Variable y =
      record("attention", {qkv, bias}, op.y, {qkv, bias, log_sum_exp},
             [scale](const Tensor& dy, const BackwardContext& context) -> Gradients {
               const Tensor qkv = context.saved(0), bias = context.saved(1);
               ops::AttentionGradient gradient{dy, qkv, bias, context.saved(2), like(qkv, qkv.shape()), {}, scale};
               if (context.needs(1)) gradient.dbias = Tensor::empty_like(bias);
               run(gradient);
               return {gradient.dqkv, gradient.dbias};
             });
  count_naively(qkv, op.y.bytes());
  product(y, op.flops(), {qkv, bias}, [compute](const std::vector<Tensor>& in) { return compute(in[0], in[1], {}).y; });
  return y;
}

}  // namespace minissl
