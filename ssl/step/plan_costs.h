#pragma once
#include <optional>
#include <vector>

#include "ssl/step/step_memory.h"

/// What it costs to recompute the tensors of a part.
namespace minissl {

/// Costs of the same unit, which can be added up.
class PlanCosts {
 public:
  /// Multiplications and additions.
  static PlanCosts counted(const std::vector<PartMemory>& parts);
  /// Seconds, measured on a device that each shape runs on a few times; none where its memory is too small for them.
  static std::optional<PlanCosts> measured(const std::vector<PartMemory>& parts, Device device);

  /// Of a part's i-th product, when what it reads is there.
  double product(size_t part, size_t i) const { return parts_[part].products[i]; }
  /// Of a part's output from its products; 0 where it has none that can be recomputed.
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
