#include "eval/accuracy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/finite.h"

namespace minissl {

int64_t first_row_not_finite(const Tensor& features) {
  const Tensor here = features.to(Device{});
  for (int64_t row = 0; row < here.dim(0); ++row)
    if (!all_finite(here.rows(row, row + 1))) return row;
  return -1;
}

void LabelledFeatures::check(const char* who) const {
  require(train.defined() && test.defined() && train.dim(0) > 0 && test.dim(0) > 0,
          "{} needs labelled images to learn from and to test on", who);
  require(train.dim(1) == test.dim(1), "{}: features {} and {} don't fit", who, train, test);
  const auto labelled = [&](const std::vector<int64_t>& labels, const Tensor& features) {
    return static_cast<int64_t>(labels.size()) == features.dim(0) &&
           std::all_of(labels.begin(), labels.end(), [&](int64_t label) { return label >= 0 && label < classes; });
  };
  require(labelled(train_labels, train) && labelled(test_labels, test), "{} needs a label for every image", who);
  const auto check_finite = [&](const Tensor& features, const char* set) {
    const int64_t row = first_row_not_finite(features);
    require(row < 0, "{}: the features of {} image {} are not finite", who, set, row);
  };
  check_finite(train, "training");
  check_finite(test, "test");
}

Accuracy accuracy_of(const Tensor& scores, const std::vector<int64_t>& labels) {
  const int64_t images = scores.dim(0), classes = scores.dim(1);
  const auto* score = scores.data<double>();
  std::vector<double> right(static_cast<size_t>(classes)), all(static_cast<size_t>(classes));
  for (int64_t i = 0; i < images; ++i) {
    const double* row = score + i * classes;
    const int64_t label = labels[static_cast<size_t>(i)];
    ++all[static_cast<size_t>(label)];
    if (std::max_element(row, row + classes) - row == label) ++right[static_cast<size_t>(label)];
  }
  Accuracy accuracy;
  accuracy.top1 = std::accumulate(right.begin(), right.end(), 0.0) / static_cast<double>(images);
  std::vector<double> of_class(static_cast<size_t>(images));
  std::vector<bool> positive(static_cast<size_t>(images));
  for (int64_t c = 0; c < classes; ++c) {
    accuracy.per_class.push_back(right[static_cast<size_t>(c)] / all[static_cast<size_t>(c)]);
    for (int64_t i = 0; i < images; ++i) {
      of_class[static_cast<size_t>(i)] = score[i * classes + c];
      positive[static_cast<size_t>(i)] = labels[static_cast<size_t>(i)] == c;
    }
    accuracy.auc.push_back(roc_auc(of_class, positive));
  }
  return accuracy;
}

double roc_auc(const std::vector<double>& scores, const std::vector<bool>& positive) {
  // NaN has no rank, and is not even equal to itself.
  require(std::none_of(scores.begin(), scores.end(), [](double score) { return std::isnan(score); }),
          "a score is NaN; images can't be ranked by it");
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  double positives = 0, negatives = 0, pairs = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double equal_positives = 0, equal_negatives = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end)
      (positive[order[end]] ? equal_positives : equal_negatives) += 1;
    pairs += equal_positives * (negatives + equal_negatives / 2);
    positives += equal_positives;
    negatives += equal_negatives;
  }
  return positives > 0 && negatives > 0 ? pairs / (positives * negatives) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace minissl
