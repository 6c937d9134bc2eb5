#pragma once
#include <functional>
#include <string>
#include <vector>

#include "eval/auc.h"
#include "eval/knn.h"
#include "tensor/tensor.h"

namespace minissl {

/// One of several labels: for each image 1, 0, or -1 where it isn't known.
struct LabelColumn {
  std::string name;
  std::vector<int8_t> train, test;
};

/// Features of images that may have several labels: a training set and a test set.
struct MultiLabelFeatures {
  Tensor train, test;  ///< f32 (N, D) and (M, D)
  std::vector<LabelColumn> labels;

  /// Throws Error, starting with `who`, if either set is empty, the widths or counts differ, or features are not
  /// finite.
  void check(const char* who) const;
};

/// How well a label is told. Images for which it isn't known take no part.
struct LabelAuc {
  Auc auc;
  /// Empty, or why there is no figure: images of one kind only to learn from, or to test on.
  std::string why_none = {};
};

/// For each label a logistic regression on the features, standardised by the training set:
/// scikit-learn's LogisticRegression(C = 1 / l2). `progress` receives the number of labels done.
/// Throws Error for unusable features, or if l2 isn't above 0.
std::vector<LabelAuc> linear_auc(const MultiLabelFeatures& features, double l2,
                                 const std::function<void(int64_t)>& progress = {});

/// For each label, the share of votes for it among the k nearest training images for which it is known, weighted as in
/// knn_accuracy.
std::vector<LabelAuc> knn_auc(const MultiLabelFeatures& features, const KnnOptions& options);

/// The mean over the labels that have a figure; NaN if none has.
double mean_auc(const std::vector<LabelAuc>& aucs);

}  // namespace minissl
