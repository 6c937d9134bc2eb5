#pragma once
#include "ssl/method.h"
#include "ssl/parts/variance_term.h"

namespace minissl {

/// A method whose loss compares projections. They may collapse, so it has a variance term.
class ProjectionMethod : public Method {
 public:
  uint64_t form() const override { return variance_.form(); }
  VarianceTerm* variance_term() override { return &variance_; }

 protected:
  explicit ProjectionMethod(double variance_weight) : variance_(variance_weight) {}
  double variance_weight() const { return variance_.weight(); }
  Variable with_variance(const Variable& loss, const std::vector<Variable>& projections, StepLog& log) const {
    return variance_.added_to(loss, projections, log);
  }

 private:
  VarianceTerm variance_;
};

}  // namespace minissl
