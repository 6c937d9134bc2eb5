#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "tensor/ops/loss.h"
#include "tensor/ops/reduce.h"

namespace minissl {

Variable sum(const Variable& x) {
  ops::Sum op{x.value(), like(x.value(), {1})};
  run(op);
  return record("sum", {x}, op.y, {}, [shape = x.shape()](const Tensor& dy, const BackwardContext&) -> Gradients {
    ops::Expand gradient{dy, like(dy, shape)};
    run(gradient);
    return {gradient.y};
  });
}

Variable mean(const Variable& x) { return sum(x) / static_cast<double>(x.value().numel()); }

Variable cross_entropy(const Variable& logits, const Tensor& targets) {
  require(logits.shape().rank() == 2 && targets.dtype() == DType::i64 && targets.shape() == Shape{logits.shape()[0]},
          "cross_entropy: logits {} (N, K) and targets {} (i64, N) don't fit", logits.value(), targets);
  ops::CrossEntropy op{logits.value(), targets, like(logits.value(), {1}), like(logits.value(), targets.shape()),
                       like(logits.value(), {1})};
  run(op);
  return record("cross_entropy", {logits}, op.loss, {op.logits, op.targets, op.log_sum_exp, op.count},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  const Tensor logits = context.saved(0);
                  ops::CrossEntropyGradient gradient{
                      dy, logits, context.saved(1), context.saved(2), context.saved(3), Tensor::empty_like(logits)};
                  run(gradient);
                  return {gradient.dlogits};
                });
}

}  // namespace minissl
