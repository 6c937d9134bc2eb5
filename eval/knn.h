#pragma once
#include "eval/accuracy.h"
#include "tensor/options.h"

namespace minissl {

/// Test images per block: the similarities of all test images to a large data set don't fit into memory.
inline constexpr int64_t knn_block = 256;

struct KnnOptions {
  int64_t k = 200;           ///< neighbours; all if there are fewer
  double temperature = 0.1;  ///< a neighbour with cosine s has exp(s / temperature) votes

  void visit(OptionVisitor& visitor);
};

/// Weighted k-nearest-neighbour classification by cosine similarity (Wu et al. 2018, "Non-parametric instance
/// discrimination"). A class's score is its share of the votes. Normalises the features.
/// Throws Error for unusable features (LabelledFeatures::check).
Accuracy knn_accuracy(const LabelledFeatures& features, const KnnOptions& options);

}  // namespace minissl
