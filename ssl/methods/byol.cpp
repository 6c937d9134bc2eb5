#include "ssl/methods/byol.h"

#include "autograd/functions.h"
#include "ssl/parts/losses.h"
#include "ssl/parts/option_ranges.h"

namespace minissl {

void BYOLOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("dim", dim, width_range, "width of the projections");
  visitor.visit_number("hidden", hidden, width_range, "width of the projector's and predictor's hidden layers");
  momentum.visit(visitor);
  VarianceTerm::visit(visitor, variance_weight);
}

BYOL::BYOL(const BYOLOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : JointEmbedding(checked(options).variance_weight, backbone, {options.hidden, options.dim}),
      momentum_(options.momentum, DeviceScope::current()),
      predictor_({options.dim, options.hidden, options.dim}),
      target_backbone_(backbone.make()),
      target_projector_({target_backbone_->features(), options.hidden, options.dim}) {
  add_part("predictor", predictor_);
  target_.add_child("target_backbone", *target_backbone_);
  target_.add_child("target_projector", target_projector_);
  add_child("", target_);
  initialize_trained(seed, dtype);
  target_parameters_ = std::make_unique<ParameterArena>(target_, ParameterArena::Gradients::none);
  // The predictor comes last in the online arena, so the target follows the arena's beginning.
  const Tensor& target = target_parameters_->values();
  target.copy_from(online().values().slice(0, target.shape()));
}

Variable BYOL::loss(const Batch& batch, StepLog& log) {
  // Targets first, while the online network's graph takes no memory yet.
  const auto target = [&](const Tensor& images) {
    return no_grad([&] { return target_projector_.forward(target_backbone_->forward(images)).value(); });
  };
  const Tensor t1 = target(batch.views[0]), t2 = target(batch.views[1]);      // (N, dim)
  const Variable z1 = project(batch.views[0]), z2 = project(batch.views[1]);  // (N, dim)
  const Variable p1 = predictor_.forward(z1), p2 = predictor_.forward(z2);    // (N, dim)
  // |p - t|^2 = 2 - 2 cos(p, t) for unit vectors.
  const Variable loss = (2.0 * negative_cosine(p1, t2) + 2.0) + (2.0 * negative_cosine(p2, t1) + 2.0);

  log.tensor("p1", p1);
  log.tensor("p2", p2);
  log.tensor("t1", t1);
  log.tensor("t2", t2);
  return with_variance(loss, {z1, z2}, log);
}

}  // namespace minissl
