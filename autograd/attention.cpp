#include "tensor/ops/attention.h"

#include <cmath>

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "autograd/recompute.h"

namespace minissl {

// ops::AttentionGradient has the formula.
Variable attention(const Variable& qkv, double scale) {
  const Shape& in = qkv.shape();
  require(in.rank() == 5 && in[2] == 3 && in.numel() > 0,
          "attention needs queries, keys and values (N, L, 3, H, d), not {}", qkv.value().str());
  require(in[4] <= ops::most_head_elements, "attention: heads have at most {} elements, not {}",
          ops::most_head_elements, in[4]);
  require(std::isfinite(scale), "attention: the scale must be a number, not {}", scale);
  const Shape out{in[0], in[1], in[3] * in[4]};
  const auto compute = [out, scale](const Tensor& qkv, const Tensor& log_sum_exp) {
    ops::Attention op{qkv, like(qkv, out), log_sum_exp, scale};
    run(op);
    return op;
  };
  const Tensor log_sum_exp =
      will_record({qkv}) ? Tensor::empty({in[0], in[3], in[1]}, master_type(qkv.value().dtype()), qkv.value().device())
                         : Tensor();
  const ops::Attention op = compute(qkv.value(), log_sum_exp);
  Variable y = record("attention", {qkv}, op.y, {qkv, log_sum_exp},
                      [scale](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        const Tensor qkv = context.saved(0);
                        ops::AttentionGradient gradient{dy, qkv, context.saved(1), like(qkv, qkv.shape()), scale};
                        run(gradient);
                        return {gradient.dqkv};
                      });
  count_naively(qkv, op.y.bytes());
  product(y, op.flops(), {qkv}, [compute](const std::vector<Tensor>& in) { return compute(in[0], {}).y; });
  return y;
}

}  // namespace minissl
