#pragma once
#include <vector>

#include "ssl/step_log.h"
#include "tensor/options.h"

namespace minissl {

/// VICReg's variance term (losses.h) as an addition to another method's loss: it keeps each dimension of the raw
/// projections spread out, which prevents dimensional collapse. The weight may change during a run.
class VarianceTerm {
 public:
  static void visit(OptionVisitor& visitor, double& weight);

  /// Throws Error for a negative weight.
  explicit VarianceTerm(double weight);
  double weight() const { return weight_; }
  void set_weight(double weight);
  /// Grows with every change of the weight (Method::form).
  uint64_t form() const { return form_; }

  /// The loss plus the weighted term, the mean over views of projections (N, dim); the loss itself if the weight is 0.
  Variable added_to(const Variable& loss, const std::vector<Variable>& projections, StepLog& log) const;

 private:
  double weight_;
  uint64_t form_ = 0;
};

}  // namespace minissl
