#include "ssl/parts/variance_term.h"

#include "ssl/parts/losses.h"

namespace minissl {

void VarianceTerm::visit(OptionVisitor& visitor, double& weight) {
  visitor.visit_number("variance-weight", weight, Range::at_least(0),
                       "weight of VICReg's variance term on the raw projections (0: none)");
}

VarianceTerm::VarianceTerm(double weight) : weight_(weight) {
  check_options([&](OptionVisitor& visitor) { visit(visitor, weight); });
}

void VarianceTerm::set_weight(double weight) {
  if (weight != weight_) ++form_;
  weight_ = weight;
}

Variable VarianceTerm::added_to(const Variable& loss, const std::vector<Variable>& projections, StepLog& log) const {
  if (weight_ == 0) return loss;
  Variable sum = variance_loss(projections.front());
  for (size_t i = 1; i < projections.size(); ++i) sum = sum + variance_loss(projections[i]);
  const Variable variance = sum / static_cast<double>(projections.size());
  log.term("variance", variance);
  return loss + weight_ * variance;
}

}  // namespace minissl
