#include "ssl/moco.h"

#include "autograd/functions.h"
#include "ssl/losses.h"
#include "tensor/ops/update.h"

namespace minissl {

MoCo::MoCo(const MoCoOptions& options, const ResNetOptions& network, uint64_t seed, DType dtype)
    : options_(options),
      encoder_q_(network, options.head, options.dim),
      encoder_k_(network, options.head, options.dim),
      queue_(options.queue, options.dim, seed, dtype) {
  require(options.temperature > 0, "--temperature must be above 0, not {}", options.temperature);
  require(options.momentum >= 0 && options.momentum <= 1, "--momentum must be from 0 to 1, not {}", options.momentum);
  add_child("encoder_q", encoder_q_);
  add_child("encoder_k", encoder_k_);
  add_child("", queue_);
  to(dtype);
  encoder_q_.initialize(seed, "encoder_q");
  online_ = std::make_unique<ParameterArena>(encoder_q_);
  target_ = std::make_unique<ParameterArena>(encoder_k_, ParameterArena::Gradients::none);
  target_->values().copy_from(online_->values());
}

// k = m k + (1 - m) q over the parameters. The key encoder's batch-norm statistics come from its own forward passes.
void MoCo::before_step() { run(ops::Ema{target_->values(), online_->values(), options_.momentum}); }

Variable MoCo::loss(const Tensor& view1, const Tensor& view2, StepLog& log) {
  // Keys first: nothing of the query encoder's graph is in memory yet.
  const Variable k = no_grad([&] { return normalize(encoder_k_.forward(view2).projection); });
  const Variable q_raw = encoder_q_.forward(view1).projection;               // (N, dim)
  const Variable q = normalize(q_raw);                                       // (N, dim)
  const Variable l_pos = rowwise_dot(q, k);                                  // (N, 1)
  const Variable l_neg = matmul(q, queue_.keys(), {.a = false, .b = true});  // (N, K)
  const auto [logits, infonce] = info_nce(l_pos, l_neg, options_.temperature);
  const Variable variance = variance_loss(q_raw);

  log.tensor("q_raw", q_raw);
  log.tensor("q", q);
  log.tensor("k", k);
  log.tensor("l_pos", l_pos);
  log.tensor("logits", logits);
  log.term("infonce", infonce);
  log.term("variance", variance);
  keys_ = k.value();
  return infonce + options_.variance_weight * variance;
}

// Not before: the gradient of l_neg reads the queue as it was in the loss.
void MoCo::after_backward() { queue_.push(std::exchange(keys_, {})); }

Embedding MoCo::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  const Encoder::Output out = encoder_q_.forward(images);
  return {out.features.value(), out.projection.value()};
}

std::string MoCo::check_data(int64_t images, int64_t batch) const {
  require(queue_.size() % batch == 0,
          "--batch {} does not divide --queue {}: the queue is filled by whole batches; "
          "the nearest queue that fits is {}",
          batch, queue_.size(), std::max<int64_t>(1, queue_.size() / batch) * batch);
  if (2 * queue_.size() <= images) return {};
  return fmt::format(
      "--queue {} is large for {} images: about {:.1f} keys of each image are in it at a time, so an image is often "
      "pushed away from itself; --queue {} or less is advised",
      queue_.size(), images, static_cast<double>(queue_.size()) / static_cast<double>(images),
      std::max<int64_t>(batch, images / 2 / batch * batch));
}

}  // namespace minissl
