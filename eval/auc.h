#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace minissl {

/// The area under a receiver operating characteristic, and how well the images determine it.
struct Auc {
  struct Interval {
    double low, high;
  };
  double value = 0;                       ///< roc_auc (eval/accuracy.h); NaN without positives or without negatives
  std::optional<Interval> interval = {};  ///< none with fewer than two positives or two negatives
  int64_t positives = 0, negatives = 0;
};

/// The AUC of scores with its 95% interval: the normal one of DeLong's variance, cut at 0 and 1 (DeLong, DeLong and
/// Clarke-Pearson 1988, "Comparing the areas under two or more correlated receiver operating characteristic curves").
/// It is too narrow for AUCs next to 1 and has no width at 1. Throws Error for a score that is NaN.
Auc auc_with_interval(const std::vector<double>& scores, const std::vector<bool>& positive);

}  // namespace minissl
