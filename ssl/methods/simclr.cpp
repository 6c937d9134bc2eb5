#include "ssl/methods/simclr.h"

#include "autograd/functions.h"
#include "ssl/parts/losses.h"
#include "ssl/parts/option_ranges.h"

namespace minissl {

void SimCLROptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("dim", dim, width_range, "width of the projections");
  visitor.visit_number("hidden", hidden, width_range, "width of the projector's hidden layer");
  visitor.visit_number("temperature", temperature, temperature_range, "temperature of the softmax");
  VarianceTerm::visit(visitor, variance_weight);
}

SimCLR::SimCLR(const SimCLROptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : JointEmbedding(checked(options).variance_weight, backbone, {options.hidden, options.dim}), options_(options) {
  initialize_trained(seed, dtype);
}

Variable SimCLR::loss(const Batch& batch, StepLog& log) {
  const Variable raw1 = project(batch.views[0]), raw2 = project(batch.views[1]);  // (N, dim)
  const Variable z1 = normalize(raw1), z2 = normalize(raw2);

  log.tensor("z1", z1);
  log.tensor("z2", z2);
  return with_variance(nt_xent(z1, z2, options_.temperature), {raw1, raw2}, log);
}

}  // namespace minissl
