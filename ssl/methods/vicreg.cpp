#include "ssl/methods/vicreg.h"

#include "autograd/functions.h"
#include "ssl/parts/losses.h"
#include "ssl/parts/option_ranges.h"

namespace minissl {

void VICRegOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("dim", dim, width_range, "width of the projections");
  visitor.visit_number("hidden", hidden, width_range, "width of the projector's hidden layers");
  visitor.visit_numbers("weights", weights, Range::at_least(0), "weights of invariance, variance and covariance");
  VarianceTerm::visit(visitor, variance_weight);
}

VICReg::VICReg(const VICRegOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : JointEmbedding(checked(options).variance_weight, backbone, {options.hidden, options.hidden, options.dim}),
      options_(options) {
  initialize_trained(seed, dtype);
}

Variable VICReg::loss(const Batch& batch, StepLog& log) {
  const Variable z1 = project(batch.views[0]), z2 = project(batch.views[1]);  // (N, dim)
  const Variable invariance = mean(square(z1 - z2));
  // The mean over the views, as in the authors' code; the paper has the sum.
  const Variable variance = (variance_loss(z1) + variance_loss(z2)) / 2;
  const Variable covariance = covariance_loss(z1) + covariance_loss(z2);

  log.tensor("z1", z1);
  log.tensor("z2", z2);
  log.term("invariance", invariance);
  log.term("variance", variance);
  log.term("covariance", covariance);
  const auto [of_invariance, of_variance, of_covariance] = options_.weights;
  return of_invariance * invariance + (of_variance + variance_weight()) * variance + of_covariance * covariance;
}

}  // namespace minissl
