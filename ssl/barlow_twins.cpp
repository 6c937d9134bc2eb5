#include "ssl/barlow_twins.h"

#include "ssl/losses.h"

namespace minissl {

void BarlowTwinsOptions::visit(OptionVisitor& visitor) {
  visitor.visit("dim", dim, "of the projections");
  visitor.visit("hidden", hidden, "width of the projector's hidden layers");
  visitor.visit("lambda", lambda, "weight of the correlations between different dimensions");
  shared.visit(visitor);
}

BarlowTwins::BarlowTwins(const BarlowTwinsOptions& options, const ResNetOptions& network, uint64_t seed, DType dtype)
    : JointEmbedding(options.shared, network, {options.hidden, options.hidden, options.dim}), options_(options) {
  require(options.lambda >= 0, "--lambda must not be negative, but it is {}", options.lambda);
  initialize_trained(seed, dtype);
}

Variable BarlowTwins::loss(const Views& views, StepLog& log) {
  const Variable z1 = project(views.view1), z2 = project(views.view2);  // (N, dim)
  const auto [c, on_diag, off_diag, loss] = redundancy_reduction(z1, z2, options_.lambda);

  log.tensor("z1", z1);
  log.tensor("z2", z2);
  log.tensor("c", c);
  log.term("on_diag", on_diag);
  log.term("off_diag", off_diag);
  return with_variance(loss, z1, z2, log);
}

}  // namespace minissl
