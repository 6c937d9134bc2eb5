#pragma once
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

/// Features of labelled images: a training set and a test set.
struct LabelledFeatures {
  Tensor train;  ///< f32 (N, D)
  std::vector<int64_t> train_labels;
  Tensor test;  ///< f32 (M, D)
  std::vector<int64_t> test_labels;
  int64_t classes = 0;  ///< labels are in [0, classes)

  /// Throws Error, starting with `who`, if either set is empty, the widths differ or labels are missing.
  void check(const char* who) const;
};

/// How well scores separate the classes.
struct Accuracy {
  double top1 = 0;                ///< fraction of the test images classified correctly
  std::vector<double> per_class;  ///< the same for each class; NaN for one without test images
  std::vector<double> auc;        ///< each class versus all others (roc_auc)
};

/// Accuracy of scores, f64 (M, classes). The highest score decides, the first among ties. Labels are in [0, classes).
Accuracy accuracy_of(const Tensor& scores, const std::vector<int64_t>& labels);

/// The area under the receiver operating characteristic: the probability that a positive's score is above a negative's,
/// with ties counted as one half (Mann and Whitney). NaN without positives or without negatives.
double roc_auc(const std::vector<double>& scores, const std::vector<bool>& positive);

}  // namespace minissl
