#include "tensor/ops/distillation.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"

namespace minissl {

SelfDistillation self_distillation(const Variable& student, const Tensor& target, int64_t crops, double temperature) {
  const Tensor& logits = student.value();
  require(
      logits.rank() == 2 && target.rank() == 2 && logits.dim(1) == target.dim(1) && logits.dtype() == target.dtype(),
      "self_distillation: a student's logits {} (C N, K) and targets {} (G N, K) don't fit", logits, target);
  require(crops > 1 && logits.dim(0) % crops == 0,
          "self_distillation: logits {} are not those of {} crops, of which it needs two or more", logits, crops);
  const int64_t images = logits.dim(0) / crops, targets = target.dim(0) / images;
  require(targets > 0 && targets <= crops && target.dim(0) % images == 0,
          "self_distillation: targets {} are not those of 1 to {} crops of {} images", target, crops, images);
  require(temperature > 0, "self_distillation: the temperature must be above 0, not {}", temperature);
  ops::SelfDistillation op{logits,
                           target,
                           like(logits, {targets, crops, images}),
                           like(logits, {targets, crops}),
                           like(logits, {1}),
                           like(logits, {crops * images}),
                           temperature};
  run(op);
  const Variable loss =
      record("self_distillation", {student}, op.loss, {student, target, op.log_sum_exp},
             [crops, temperature](const Tensor& dloss, const BackwardContext& context) -> Gradients {
               const Tensor logits = context.saved(0);
               ops::SelfDistillationGradient gradient{
                   dloss, logits, context.saved(1), context.saved(2), Tensor::empty_like(logits), crops, temperature};
               run(gradient);
               return {gradient.dstudent};
             });
  return {loss, op.pairs};
}

}  // namespace minissl
