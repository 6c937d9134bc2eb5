#pragma once
#include <optional>
#include <vector>

#include "ssl/step/step_memory.h"

/// The costs of recomputing the tensors of a part.
namespace minissl {

/// Costs in one unit, so that they can be added.
class PlanCosts {
 public:
  /// Multiplications and additions.
  static PlanCosts counted(const std::vector<PartMemory>& parts);
  /// Seconds, measured by running each shape a few times on a device; none if its memory is too small.
  static std::optional<PlanCosts> measured(const std::vector<PartMemory>& parts, Device device);

  /// The cost of a part's i-th product, given its inputs.
  double product(size_t part, size_t i) const { return parts_[part].products[i]; }
  /// The cost of a part's output, given its products; 0 if it can't be recomputed.
  double output(size_t part) const { return parts_[part].output; }
  bool in_seconds() const { return in_seconds_; }

 private:
  struct Part {
    std::vector<double> products;
    double output = 0;
  };
  template <class Cost>
  PlanCosts(const std::vector<PartMemory>& parts, bool in_seconds, Cost&& cost);

  std::vector<Part> parts_;
  bool in_seconds_;
};

}  // namespace minissl
