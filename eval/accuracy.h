#pragma once
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

/// The first row of features (N, D) with a number that is NaN or infinite; -1 if there is none.
int64_t first_row_not_finite(const Tensor& features);

/// Features of labelled images: a training set and a test set.
struct LabelledFeatures {
  Tensor train;  ///< f32 (N, D)
  std::vector<int64_t> train_labels;
  Tensor test;  ///< f32 (M, D)
  std::vector<int64_t> test_labels;
  int64_t classes = 0;  ///< labels are in [0, classes)

  /// Throws Error, starting with `who`, if either set is empty, the widths differ, labels are missing or features are
  /// not finite.
  void check(const char* who) const;
};

/// How well scores separate the classes.
struct Accuracy {
  double top1 = 0;                ///< fraction of the test images classified correctly
  std::vector<double> per_class;  ///< the same for each class; NaN for one without test images
  std::vector<double> auc;        ///< each class versus all others (roc_auc)
};

/// Accuracy of scores, f64 (M, classes). The highest score decides, the first among ties. Labels are in [0, classes).
/// The AUC ranks images by their scores, so scores must be comparable between images, as probabilities are and logits
/// are not. Throws Error for a score that is NaN.
Accuracy accuracy_of(const Tensor& scores, const std::vector<int64_t>& labels);

/// The area under the receiver operating characteristic: the probability that a positive's score is above a negative's,
/// with ties counted as one half (Mann and Whitney). NaN without positives or without negatives. Throws Error for a
/// score that is NaN.
double roc_auc(const std::vector<double>& scores, const std::vector<bool>& positive);

}  // namespace minissl
