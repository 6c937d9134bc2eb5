#include "eval/multi_label.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/accuracy.h"
#include "eval/logistic_regression.h"
#include "eval/neighbours.h"
#include "eval/rows.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/rows.h"
#include "tensor/parallel.h"

namespace minissl {
namespace {

constexpr int8_t unknown = -1;

int64_t count(const std::vector<int8_t>& labels, int8_t label) {
  return std::count(labels.begin(), labels.end(), label);
}

std::string why_none(const LabelColumn& label) {
  const auto lacking = [&](const std::vector<int8_t>& labels, const char* what) -> std::string {
    const int64_t with = count(labels, 1), without = count(labels, 0);
    return with > 0 && without > 0 ? "" : fmt::format("{} images with it and {} without it {}", with, without, what);
  };
  const std::string train = lacking(label.train, "to learn from");
  return train.empty() ? lacking(label.test, "to test on") : train;
}

/// The AUC of scores, one for each test image, over those for which the label is known.
LabelAuc auc_of(const LabelColumn& label, const std::vector<double>& scores) {
  std::vector<double> known;
  std::vector<bool> positive;
  for (size_t i = 0; i < scores.size(); ++i)
    if (label.test[i] != unknown) known.push_back(scores[i]), positive.push_back(label.test[i] == 1);
  return {auc_with_interval(known, positive)};
}

LabelAuc no_auc(const LabelColumn& label) {
  LabelAuc none{{.value = std::numeric_limits<double>::quiet_NaN()}, why_none(label)};
  none.auc.positives = count(label.test, 1), none.auc.negatives = count(label.test, 0);
  return none;
}

/// The share of votes for a label among the k nearest images for which it is known; `order` has the nearest first.
double share_of_votes(const float* similarity, const std::vector<int64_t>& order, const std::vector<int8_t>& labels,
                      const KnnOptions& options) {
  double votes = 0, all = 0, nearest = 0;
  int64_t used = 0;
  for (const int64_t image : order) {
    const int8_t label = labels[static_cast<size_t>(image)];
    if (label == unknown) continue;
    if (used == 0) nearest = similarity[image];
    const double vote = std::exp((similarity[image] - nearest) / options.temperature);
    all += vote;
    votes += label * vote;
    if (++used == options.k) break;
  }
  return votes / all;
}

}  // namespace

void MultiLabelFeatures::check(const char* who) const {
  require(train.defined() && test.defined() && train.dim(0) > 0 && test.dim(0) > 0,
          "{} needs labelled images to learn from and to test on", who);
  require(train.dim(1) == test.dim(1), "{}: features {} and {} don't fit", who, train, test);
  for (const LabelColumn& label : labels)
    require(static_cast<int64_t>(label.train.size()) == train.dim(0) &&
                static_cast<int64_t>(label.test.size()) == test.dim(0),
            "{} needs the label {} for every image", who, label.name);
  require(first_row_not_finite(train) < 0 && first_row_not_finite(test) < 0, "{}: some features are not finite", who);
}

std::vector<LabelAuc> linear_auc(const MultiLabelFeatures& features, double l2,
                                 const std::function<void(int64_t)>& progress) {
  features.check("a linear classifier");
  l2_range.check("l2", l2);
  const Tensor train = standardize(features.train, features.train), test = standardize(features.test, features.train);
  std::vector<LabelAuc> aucs;
  for (const LabelColumn& label : features.labels) {
    if (!why_none(label).empty()) {
      aucs.push_back(no_auc(label));
    } else {
      std::vector<int64_t> rows, classes;
      for (size_t i = 0; i < label.train.size(); ++i)
        if (label.train[i] != unknown) rows.push_back(static_cast<int64_t>(i)), classes.push_back(label.train[i]);
      // At the minimum, the weights of the two classes are opposite: a penalty on both is half of one on their
      // difference.
      const Tensor logits = LogisticRegression(gather_rows(train, rows), classes, 2, 2 * l2).logits(test);
      const auto* logit = logits.data<double>();
      std::vector<double> scores;
      for (int64_t i = 0; i < test.dim(0); ++i) scores.push_back(logit[2 * i + 1] - logit[2 * i]);
      aucs.push_back(auc_of(label, scores));
    }
    if (progress) progress(static_cast<int64_t>(aucs.size()));
  }
  return aucs;
}

std::vector<LabelAuc> knn_auc(const MultiLabelFeatures& features, const KnnOptions& options) {
  features.check("kNN");
  checked(options);
  const Tensor train = ops::normalize(features.train.to(DType::f32));
  const Tensor test = ops::normalize(features.test.to(DType::f32));
  const int64_t images = train.dim(0), k = std::min(options.k, images);
  const bool all_known = std::all_of(features.labels.begin(), features.labels.end(),
                                     [](const LabelColumn& label) { return count(label.train, unknown) == 0; });
  std::vector<std::vector<double>> scores(features.labels.size(),
                                          std::vector<double>(static_cast<size_t>(test.dim(0))));
  for (int64_t begin = 0; begin < test.dim(0); begin += knn_block) {
    const int64_t end = std::min(test.dim(0), begin + knn_block);
    const Tensor similarity = ops::matmul(test.rows(begin, end), train, {false, true}).to(Device{});
    parallel_for(end - begin, 1, [&](int64_t first, int64_t last) {
      std::vector<int64_t> order;
      for (int64_t i = first; i < last; ++i) {
        const float* row = similarity.data<float>() + i * images;
        sort_nearest(row, images, all_known ? k : images, order);
        for (size_t l = 0; l < features.labels.size(); ++l)
          scores[l][static_cast<size_t>(begin + i)] = share_of_votes(row, order, features.labels[l].train, options);
      }
    });
  }
  std::vector<LabelAuc> aucs;
  for (size_t l = 0; l < features.labels.size(); ++l)
    aucs.push_back(why_none(features.labels[l]).empty() ? auc_of(features.labels[l], scores[l])
                                                        : no_auc(features.labels[l]));
  return aucs;
}

double mean_auc(const std::vector<LabelAuc>& aucs) {
  double sum = 0, measured = 0;
  for (const LabelAuc& auc : aucs)
    if (auc.why_none.empty()) sum += auc.auc.value, ++measured;
  return sum / measured;
}

}  // namespace minissl
