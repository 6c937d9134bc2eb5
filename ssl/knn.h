#pragma once
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

struct KnnOptions {
  int64_t k = 200;           ///< neighbours; all when there are fewer
  double temperature = 0.1;  ///< a neighbour of cosine s has exp(s / temperature) votes
};

struct Accuracy {
  double top1 = 0;                ///< share of the test images whose label was found
  std::vector<double> per_class;  ///< the same for each class; NaN for one without test images
};

/// Weighted k-nearest-neighbour classification on the cosine (Wu et al. 2018, "Non-parametric instance
/// discrimination"). Features (N, D), normalised here; labels in [0, classes).
/// Throws Error when there are no labelled images on either side.
Accuracy knn_accuracy(const Tensor& train, const std::vector<int64_t>& train_labels, const Tensor& test,
                      const std::vector<int64_t>& test_labels, int64_t classes, const KnnOptions& options);

}  // namespace minissl
