#include "ssl/methods/swav.h"

#include "autograd/functions.h"
#include "ssl/parts/option_ranges.h"
#include "tensor/group.h"
#include "tensor/ops/rows.h"
#include "tensor/ops/sinkhorn.h"

namespace minissl {

void SwAVOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("dim", dim, width_range, "width of the projections");
  visitor.visit_number("hidden", hidden, width_range, "width of the projector's hidden layer");
  visitor.visit_number("prototypes", prototypes, {2, 1 << 20}, "number of prototypes");
  visitor.visit_number("queue", queue, {0, 1 << 30},
                       "number of earlier projections of each large crop that are assigned along with a batch's");
  visitor.visit_number("epsilon", epsilon, Range::above(0), "how soft assignments are: their entropy's weight");
  visitor.visit_number("sinkhorn", sinkhorn, {1, 1000}, "rounds of Sinkhorn's algorithm, which balances assignments");
  visitor.visit_number("temperature", temperature, temperature_range, "temperature of the predictions' softmax");
  crops.visit(visitor);
  visitor.visit_number("freeze-prototypes-steps", freeze_prototypes_steps, {0, 1e15},
                       "optimizer steps at first in which the prototypes stay as they are");
  VarianceTerm::visit(visitor, variance_weight);
}

SwAV::SwAV(const SwAVOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : JointEmbedding(checked(options).variance_weight, backbone, {options.hidden, options.dim},
                     Mlp::Last::linear_all_biased),
      options_(options),
      prototypes_(options.dim, options.prototypes, {.bias = false}) {
  add_part("prototypes", prototypes_);
  if (options.queue > 0) add_child("", queue_.emplace(options.queue, options.dim, dtype));
  initialize_trained(seed, dtype);
}

void SwAV::begin(const StepPosition& position) {
  step_ = position.step;
  if (!queue_) return;
  // A queue that is full stays full, and to ask it again in each step would make the host wait for a GPU. A dry run
  // tells of the steps that need most.
  if (step_ == 0) queue_in_use_ = false;
  queue_in_use_ = queue_in_use_ || DryRun::active() != nullptr || queue_->full();
}

void SwAV::before_batches() {
  // They lie behind the part of the arena that has a copy in bf16, which stays current.
  ConvertedCopy& copy = online().converted();
  copy.refresh();
  const Tensor& rows = prototypes_.weight().value();
  rows.copy_from(ops::normalize(rows));
  copy.mark_current();
}

ParameterRule SwAV::rule(const std::string& name, const Shape& /*shape*/) const {
  return {.frozen = name.starts_with("prototypes.") && step_ < options_.freeze_prototypes_steps};
}

Variable SwAV::loss(const Batch& batch, StepLog& log) {
  const auto crops = static_cast<int64_t>(batch.views.size());              // C: two global ones, then the local ones
  const Variable raw = projection_of(multi_crop(backbone(), batch.views));  // (C N, dim), crop after crop
  const Variable z = normalize(raw);
  const Variable scores = prototypes_.forward(z);  // (C N, K)
  const ops::SoftTargets assigned = assignments(z.value(), scores.value(), batch.views[0].dim(0));
  const auto [loss, pairs] = self_distillation(scores, assigned.probabilities, crops, options_.temperature);
  const Variable entropy = mean(assigned.entropy);

  log.tensor("z", z);
  // Of the large matrices, small results are watched.
  log.tensor_to_inspect("scores", pairs, [&] { return scores.value(); });
  log.tensor_to_inspect("assign", assigned.entropy, [&] {
    const Shape& both = assigned.probabilities.shape();
    return assigned.probabilities.view({2, both[0] / 2, both[1]});
  });
  log.tensor("loss/pairs", pairs);
  // The cross entropy of the pairs is the sum of the two: of the assignments', and of their divergence from
  // predictions.
  log.term("entropy", entropy);
  log.term("kl", loss - entropy);
  return with_variance(loss, {raw}, log);
}

ops::SoftTargets SwAV::assignments(const Tensor& z, const Tensor& scores, int64_t images) {
  const NoGradScope no_grad_scope;
  Group& group = Group::current();
  const int64_t count = scores.dim(1);
  ops::SoftTargets both{Tensor::empty({2 * images, count}, scores.dtype(), scores.device()),
                        Tensor::empty({2 * images}, scores.dtype(), scores.device())};
  for (int64_t crop = 0; crop < 2; ++crop) {
    const int64_t begin = crop * images, end = begin + images;
    // Prototypes are shared by the batch of all processes, and by the queue, which comes first.
    Tensor shared = group.all_gather_rows(scores.rows(begin, end));
    int64_t first = group.rank() * images;
    if (queue_in_use_) {
      first += queue_->size();
      shared = concat_rows(prototypes_.forward(queue_->of(crop)), shared).value();
    }
    if (queue_) entering_[static_cast<size_t>(crop)] = group.all_gather_rows(z.rows(begin, end));
    ops::sinkhorn(shared, first, {both.probabilities.rows(begin, end), both.entropy.rows(begin, end)}, options_.epsilon,
                  options_.sinkhorn);
  }
  return both;
}

// Not in loss(), which has no side effects: a batch is not assigned along with itself.
void SwAV::after_backward() {
  if (!queue_) return;
  for (const int64_t crop : {0, 1}) queue_->push(crop, std::exchange(entering_[static_cast<size_t>(crop)], {}));
}

std::string SwAV::check_data(int64_t images, int64_t batch) const {
  JointEmbedding::check_data(images, batch);
  if (batch + options_.queue >= options_.prototypes) return {};
  return fmt::format(
      "`prototypes` {} are shared equally by {} images, those of the `queue` included: less than one to each; a "
      "`queue` "
      "of {} or more, or fewer `prototypes`, is advised",
      options_.prototypes, batch + options_.queue, (options_.prototypes - 1) / batch * batch);
}

}  // namespace minissl
