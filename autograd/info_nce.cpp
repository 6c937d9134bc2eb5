#include "tensor/ops/info_nce.h"

#include "autograd/functions.h"

namespace minissl {

InfoNce info_nce(const Variable& q, const Variable& k, const Tensor& negatives, double temperature) {
  const Tensor& value = q.value();
  require(value.rank() == 2 && k.shape() == q.shape() && k.value().dtype() == value.dtype(),
          "info_nce: queries {} and keys {} (both (N, D)) don't fit", value, k.value());
  require(negatives.rank() == 2 && negatives.dim(0) > 0 && negatives.dim(1) == value.dim(1) &&
              negatives.dtype() == value.dtype(),
          "info_nce: negatives {} (K, D) don't fit queries {}", negatives, value);
  require(temperature > 0, "info_nce: the temperature must be above 0, not {}", temperature);
  const int64_t rows = value.dim(0);
  const auto make = [&](const Shape& shape) { return Tensor::empty(shape, value.dtype(), value.device()); };
  ops::InfoNce op{value, k.value(), negatives, make({1}), make({rows, 1}), make({rows}), make({rows}), {}, temperature};
  if (will_record({q, k})) op.excess = make(value.shape());
  run(op);
  const Saved queries = k.requires_grad() ? Saved(q) : Saved();
  const Variable loss =
      record("info_nce", {q, k}, op.loss, {op.excess, op.negative_share, queries},
             [temperature](const Tensor& dloss, const BackwardContext& context) -> std::vector<Tensor> {
               const Tensor excess = context.saved(0);
               ops::InfoNceGradient gradient{dloss, {}, context.saved(1), excess, {}, {}, temperature};
               if (context.needs(0)) gradient.dq = Tensor::empty_like(excess);
               if (context.needs(1)) gradient.q = context.saved(2), gradient.dk = Tensor::empty_like(excess);
               run(gradient);
               return {gradient.dq, gradient.dk};
             });
  return {loss, op.positive, op.log_sum_exp};
}

}  // namespace minissl
