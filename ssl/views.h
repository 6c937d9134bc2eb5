#pragma once
#include "tensor/tensor.h"

namespace minissl {

/// What one training step sees.
struct Views {
  Tensor view1, view2;  ///< (N, H, W, C): two views of the same images
  /// Permutations of the batch, i64 (N), for methods that shuffle it: for keys made of view 2 and of view 1.
  Tensor shuffle = {}, shuffle_sym = {};
};

/// A random permutation of 0..count-1: a function of (seed, batch, end) alone. `batch` counts a run's batches, `end` is
/// 0 for Views::shuffle, 1 for Views::shuffle_sym.
Tensor draw_shuffle(int64_t count, uint64_t seed, int64_t batch, uint32_t end);

}  // namespace minissl
