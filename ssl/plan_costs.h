#pragma once
#include <optional>
#include <vector>

#include "ssl/step_memory.h"

/// What it costs to make a part's tensors again.
namespace minissl {

/// Costs of the same unit, which can be added up.
class PlanCosts {
 public:
  /// Multiplications and additions.
  static PlanCosts counted(const std::vector<PartMemory>& parts);
  /// Seconds, measured on a device that each shape runs on a few times; none where its memory is too small for them.
  static std::optional<PlanCosts> measured(const std::vector<PartMemory>& parts, Device device, DType activations);

  /// Of a part's i-th convolution.
  double convolution(size_t part, size_t i) const { return parts_[part].convolutions[i]; }
  /// Of a part's output from what its convolutions give: normalisation, addition and ReLU.
  double output(size_t part) const { return parts_[part].output; }
  bool in_seconds() const { return in_seconds_; }

 private:
  struct Part {
    std::vector<double> convolutions;
    double output = 0;
  };
  template <class Convolution, class Output>
  PlanCosts(const std::vector<PartMemory>& parts, bool in_seconds, Convolution&& convolution, Output&& output);

  std::vector<Part> parts_;
  bool in_seconds_;
};

}  // namespace minissl
