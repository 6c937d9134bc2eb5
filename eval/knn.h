#pragma once
#include "eval/accuracy.h"

namespace minissl {

/// Test images at a time: similarities to all of a large data set don't fit into memory.
inline constexpr int64_t knn_block = 256;

struct KnnOptions {
  int64_t k = 200;           ///< neighbours; all when there are fewer
  double temperature = 0.1;  ///< a neighbour of cosine s has exp(s / temperature) votes
};

/// Weighted k-nearest-neighbour classification on the cosine (Wu et al. 2018, "Non-parametric instance
/// discrimination"). A class's score is its share of the votes. Features are normalised here.
/// Throws Error for features that have nothing to say (LabelledFeatures::check).
Accuracy knn_accuracy(const LabelledFeatures& features, const KnnOptions& options);

}  // namespace minissl
