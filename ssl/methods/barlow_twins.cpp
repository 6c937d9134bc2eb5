#include "ssl/methods/barlow_twins.h"

#include "ssl/parts/losses.h"
#include "ssl/parts/option_ranges.h"

namespace minissl {

void BarlowTwinsOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("dim", dim, width_range, "width of the projections");
  visitor.visit_number("hidden", hidden, width_range, "width of the projector's hidden layers");
  visitor.visit_number("lambda", lambda, Range::at_least(0), "weight of the correlations between different dimensions");
  VarianceTerm::visit(visitor, variance_weight);
}

BarlowTwins::BarlowTwins(const BarlowTwinsOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : JointEmbedding(checked(options).variance_weight, backbone, {options.hidden, options.hidden, options.dim}),
      options_(options) {
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
