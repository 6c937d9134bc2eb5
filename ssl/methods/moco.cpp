#include "ssl/methods/moco.h"

#include "autograd/functions.h"
#include "ssl/parts/losses.h"
#include "ssl/parts/option_ranges.h"
#include "tensor/group.h"
#include "tensor/ops/rows.h"

namespace minissl {

void MoCoOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("dim", dim, width_range, "width of the projections");
  visitor.visit_choice("head", head, {"mlp", "linear"}, "mlp (MoCo v2) or linear (MoCo v1)");
  visitor.visit_number("queue", queue, {1, 1 << 30}, "number of keys from past batches");
  momentum.visit(visitor);
  visitor.visit_number("temperature", temperature, temperature_range, "temperature of the softmax");
  visitor.visit("symmetric", symmetric, "on: also predict view 2 from view 1");
  VarianceTerm::visit(visitor, variance_weight);
}

MoCo::MoCo(const MoCoOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : ProjectionMethod(checked(options).variance_weight),
      options_(options),
      encoder_q_(backbone.make(), parse_head(options.head), options.dim),
      encoder_k_(backbone.make(), parse_head(options.head), options.dim),
      queue_(options.queue, options.dim, seed, dtype),
      momentum_(options.momentum, DeviceScope::current()) {
  add_child("encoder_q", encoder_q_);
  add_child("encoder_k", encoder_k_);
  add_child("", queue_);
  to(dtype);
  encoder_q_.initialize(seed, "encoder_q");
  online_ = std::make_unique<ParameterArena>(encoder_q_);
  target_ = std::make_unique<ParameterArena>(encoder_k_, ParameterArena::Gradients::none);
  target_->values().copy_from(online_->values());
}

DrawnTensors MoCo::draw(const BatchDraw& from) const {
  if (batch_groups() == 1) return {};
  DrawnTensors drawn{{"shuffle", from.permutation(0)}};
  if (options_.symmetric) drawn.emplace_back("shuffle_sym", from.permutation(1));
  return drawn;
}

// k = m k + (1 - m) q for the parameters. The key encoder's batch-norm statistics come from its own forward passes.
void MoCo::before_batches() { momentum_.update(*target_, online_->values()); }

Variable MoCo::query(const Tensor& images) { return normalize(encoder_q_.forward(images).projection); }

Tensor MoCo::key(const Tensor& images, const Tensor& shuffle) {
  const NoGradScope no_grad_scope;
  const auto encode = [&](const Tensor& x) { return normalize(encoder_k_.forward(x).projection).value(); };
  if (batch_groups() == 1) return encode(images);
  require(shuffle.defined(), "split batch normalisation needs a permutation of the keys");
  return ops::unpermute_rows(encode(ops::permute_rows(images, shuffle)), shuffle);
}

Variable MoCo::loss(const Batch& batch, StepLog& log) {
  // Keys first, while the query encoder's graph takes no memory yet.
  const Tensor k2 = key(batch.views[1], batch.find("shuffle"));
  const Tensor k1 = options_.symmetric ? key(batch.views[0], batch.find("shuffle_sym")) : Tensor();
  Variable loss = direction(batch.views[0], k2, log, "");
  if (!options_.symmetric) {
    keys_ = k2;
    return loss;
  }
  keys_ = concat_rows(k1, k2).value();
  return loss + direction(batch.views[1], k1, log, "_sym");
}

Variable MoCo::direction(const Tensor& images, const Tensor& k, StepLog& log, const std::string& end) {
  const Variable q_raw = encoder_q_.forward(images).projection;  // (N, dim)
  const Variable q = normalize(q_raw);                           // (N, dim)
  const InfoNce contrast = info_nce(q, k, queue_.keys(), options_.temperature);
  const Variable variance = variance_loss(q_raw);

  log.tensor("q_raw" + end, q_raw);
  log.tensor("q" + end, q);
  log.tensor("k" + end, k);
  log.tensor("l_pos" + end, contrast.positive);
  log.tensor_to_inspect("logits" + end, contrast.log_sum_exp, [&] {
    const Tensor l_neg = ops::matmul(q.value(), queue_.keys(), {.a = false, .b = true});  // (N, K)
    return (concat(contrast.positive, l_neg) / options_.temperature).value();
  });
  log.term("infonce" + end, contrast.loss);
  log.term("variance" + end, variance);
  return contrast.loss + variance_weight() * variance;
}

// Not in loss(), which has no side effects: a batch's keys become negatives from the next batch on. The queue is the
// same in all processes.
void MoCo::after_backward() { queue_.push(Group::current().all_gather_rows(std::exchange(keys_, {}))); }

std::vector<Space> MoCo::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  const Encoder::Output out = encoder_q_.forward(images.to(device()));
  return {{"backbone", out.features.value()}, {"projection", out.projection.value()}};
}

std::string MoCo::check_data(int64_t images, int64_t batch) const {
  Method::check_data(images, batch);
  const int64_t pushed = options_.symmetric ? 2 * batch : batch;
  require(
      queue_.size() % pushed == 0,
      "`queue` {} is not a multiple of the {} keys of a step: the queue is filled by whole steps; the nearest queue "
      "that fits is {}",
      queue_.size(), pushed, std::max<int64_t>(1, queue_.size() / pushed) * pushed);
  if (2 * queue_.size() <= images) return {};
  return fmt::format(
      "`queue` {} is large for {} images: about {:.1f} keys of each image are in it at a time, so an image is often "
      "pushed away from itself; `queue` {} or less is advised",
      queue_.size(), images, static_cast<double>(queue_.size()) / static_cast<double>(images),
      std::max<int64_t>(pushed, images / 2 / pushed * pushed));
}

}  // namespace minissl
