#pragma once
#include <cmath>
#include <numbers>
#include <string>

#include "tensor/options.h"

namespace minissl {

/// The learning rate over a run: linear warmup, then a half cosine to 0 (Loshchilov and Hutter 2017) or a constant.
struct Schedule {
  static constexpr Range peak_range = Range::at_least(0);
  static OptionVisitor::Choices kinds() { return {"cosine", "constant"}; }

  std::string kind = "cosine";
  double peak = 1e-3;
  int64_t warmup_steps = 0, total_steps = 1;

  /// For the optimizer step `step`, counted from 0.
  double at(int64_t step) const {
    check_choice("schedule", kind, kinds());
    peak_range.check("lr", peak);
    if (step < warmup_steps) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
    if (kind == "constant") return peak;
    const auto done = static_cast<double>(step - warmup_steps);
    const auto all = static_cast<double>(total_steps - warmup_steps);
    return 0.5 * peak * (1 + std::cos(std::numbers::pi * (all > 0 ? done / all : 1)));
  }
};

/// A number that moves from one value to another along a half cosine, such as the weight decay (Caron et al. 2021).
struct CosineSchedule {
  double start = 0;
  double end = -1;  ///< negative: the number stays at `start`
  int64_t total_steps = 1;

  /// For the optimizer step `step`, counted from 0.
  double at(int64_t step) const {
    if (end < 0) return start;
    const double done = static_cast<double>(step) / static_cast<double>(total_steps);
    return end + 0.5 * (start - end) * (1 + std::cos(std::numbers::pi * done));
  }
};

}  // namespace minissl
