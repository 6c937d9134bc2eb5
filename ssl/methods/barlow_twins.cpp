#include "ssl/methods/barlow_twins.h"

#include "ssl/parts/losses.h"

namespace minissl {

void BarlowTwinsOptions::visit(OptionVisitor& visitor) {
  visitor.visit("dim", dim, "width of the projections");
  visitor.visit("hidden", hidden, "width of the projector's hidden layers");
  visitor.visit("lambda", lambda, "weight of the correlations between different dimensions");
  VarianceTerm::visit(visitor, variance_weight);
}

BarlowTwins::BarlowTwins(const BarlowTwinsOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : JointEmbedding(options.variance_weight, backbone, {options.hidden, options.hidden, options.dim}),
      options_(options) {
  require(options.lambda >= 0, "`lambda` must not be negative, but it is {}", options.lambda);
  initialize_trained(seed, dtype);
}

Variable BarlowTwins::loss(const Batch& batch, StepLog& log) {
  const Variable z1 = project(batch.views[0]), z2 = project(batch.views[1]);  // (N, dim)
  const auto [c, on_diag, off_diag, loss] = redundancy_reduction(z1, z2, options_.lambda);

  log.tensor("z1", z1);
  log.tensor("z2", z2);
  log.tensor("c", c);
  log.term("on_diag", on_diag);
  log.term("off_diag", off_diag);
  return with_variance(loss, {z1, z2}, log);
}

}  // namespace minissl
