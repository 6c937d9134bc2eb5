#include "eval/auc.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/accuracy.h"

namespace minissl {
namespace {

/// Mean and variance of a sample.
class Sample {
 public:
  void add(double value, double times) {
    count_ += times;
    sum_ += times * value;
    squares_ += times * value * value;
  }
  double variance_of_mean() const { return std::max(0.0, squares_ - sum_ * sum_ / count_) / (count_ - 1) / count_; }

 private:
  double count_ = 0, sum_ = 0, squares_ = 0;
};

}  // namespace

Auc auc_with_interval(const std::vector<double>& scores, const std::vector<bool>& positive) {
  Auc auc{.value = roc_auc(scores, positive)};
  auc.positives = std::count(positive.begin(), positive.end(), true);
  auc.negatives = static_cast<int64_t>(positive.size()) - auc.positives;
  if (auc.positives < 2 || auc.negatives < 2) return auc;

  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  const auto positives = static_cast<double>(auc.positives), negatives = static_cast<double>(auc.negatives);
  // DeLong's components: of a positive, the share of negatives below it; of a negative, the share of positives above
  // it.
  Sample of_positives, of_negatives;
  double positives_below = 0, negatives_below = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double equal_positives = 0, equal_negatives = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end)
      (positive[order[end]] ? equal_positives : equal_negatives) += 1;
    of_positives.add((negatives_below + equal_negatives / 2) / negatives, equal_positives);
    of_negatives.add((positives - positives_below - equal_positives / 2) / positives, equal_negatives);
    positives_below += equal_positives;
    negatives_below += equal_negatives;
  }
  constexpr double z95 = 1.959963984540054;
  const double half = z95 * std::sqrt(of_positives.variance_of_mean() + of_negatives.variance_of_mean());
  auc.interval = Auc::Interval{std::max(0.0, auc.value - half), std::min(1.0, auc.value + half)};
  return auc;
}

}  // namespace minissl
