#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/metrics_log.h"

namespace minissl {

/// Accuracies count as different if they are more than this many standard errors of their difference apart.
inline constexpr double least_standard_errors = 2;

/// An accuracy from 0 to 1 and the number of images tested, 0 if unknown.
struct Score {
  double top1 = 0;
  int64_t n_test = 0;
};

enum class Difference { unknown, none, higher, lower };

/// sqrt(p(1-p)/n + q(1-q)/m): the binomial standard error of the difference of two accuracies. For the same test images
/// it errs towards "no difference", because it ignores which images both get right. NaN without n or m.
double standard_error(const Score& a, const Score& b);

/// Compares `a` with `b`.
Difference compare(const Score& a, const Score& b);

/// "above raw pixels (56.0%)", "no different from raw pixels (56.0%; two standard errors are 4.1 points)", and
/// "beside raw pixels (56.0%)" if unknown.
std::string words_for(const Score& a, const Score& b, std::string_view b_name);

/// The evaluations of a run.
struct KnnStory {
  std::vector<double> epochs = {};
  std::vector<Score> scores = {};
  Score untrained = {}, pixels = {};  ///< top1 is NaN if not measured
  bool measured() const { return !scores.empty(); }
};
KnnStory knn_story(const std::vector<Json>& events);

/// The final kNN accuracy compared with its baselines and its own best.
std::string paragraph(const KnnStory& story);

/// The comparison rule, for the page.
std::string knn_rule();

}  // namespace minissl
