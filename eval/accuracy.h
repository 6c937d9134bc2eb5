#pragma once
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

/// Features of images whose classes are known: some to learn from, others to test on.
struct LabelledFeatures {
  Tensor train;  ///< f32 (N, D)
  std::vector<int64_t> train_labels;
  Tensor test;  ///< f32 (M, D)
  std::vector<int64_t> test_labels;
  int64_t classes = 0;  ///< labels are in [0, classes)

  /// Throws Error, which begins with `who`, when there is nothing on either side, widths differ or labels are missing.
  void check(const char* who) const;
};

/// How well scores tell classes apart.
struct Accuracy {
  double top1 = 0;                ///< share of the test images whose label was found
  std::vector<double> per_class;  ///< the same for each class; NaN for one without test images
  std::vector<double> auc;        ///< each class against all others (roc_auc)
};

/// Of scores f64 (M, classes): the greatest decides, the first of equal ones. Labels are in [0, classes).
Accuracy accuracy_of(const Tensor& scores, const std::vector<int64_t>& labels);

/// The area under the receiver operating characteristic: the probability that a positive's score is above a negative's,
/// equal ones counting a half (Mann and Whitney). NaN without positives or without negatives.
double roc_auc(const std::vector<double>& scores, const std::vector<bool>& positive);

}  // namespace minissl
