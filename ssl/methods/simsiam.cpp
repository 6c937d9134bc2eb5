#include "ssl/methods/simsiam.h"

#include "autograd/functions.h"
#include "ssl/parts/losses.h"
#include "ssl/parts/option_ranges.h"

namespace minissl {

void SimSiamOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("dim", dim, {4, 1 << 20}, "width of the projections, four times the predictor's");
  visitor.visit_number("hidden", hidden, width_range, "width of the projector's hidden layers");
  VarianceTerm::visit(visitor, variance_weight);
}

SimSiam::SimSiam(const SimSiamOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : JointEmbedding(checked(options).variance_weight, backbone, {options.hidden, options.hidden, options.dim},
                     Mlp::Last::batch_norm),
      predictor_({options.dim, options.dim / 4, options.dim}, Mlp::Last::linear_with_bias) {
  add_part("predictor", predictor_);
  initialize_trained(seed, dtype);
}

ParameterRule SimSiam::rule(const std::string& name, const Shape& /*shape*/) const {
  return {.constant_rate = name.starts_with("predictor.")};
}

Variable SimSiam::loss(const Batch& batch, StepLog& log) {
  const Variable raw1 = raw_projection(batch.views[0]), raw2 = raw_projection(batch.views[1]);  // (N, dim)
  const Variable z1 = finish(raw1), z2 = finish(raw2);
  const Variable p1 = predictor_.forward(z1), p2 = predictor_.forward(z2);  // (N, dim)
  const Variable loss = (negative_cosine(p1, detach(z2)) + negative_cosine(p2, detach(z1))) / 2;

  log.tensor("z1", z1);
  log.tensor("z2", z2);
  log.tensor("p1", p1);
  log.tensor("p2", p2);
  // After the projector's batch normalisation every dimension has std 1, collapsed or not.
  return with_variance(loss, {raw1, raw2}, log);
}

}  // namespace minissl
