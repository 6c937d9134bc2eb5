#pragma once
#include "nn/module.h"

namespace minissl {

/// MoCo's queue of past keys: a ring of K rows, the oldest overwritten first.
class KeyQueue : public Module {
 public:
  /// `size` random directions of `dim` dimensions, from the seed.
  KeyQueue(int64_t size, int64_t dim, uint64_t seed, DType dtype);

  /// (K, dim), rows of unit length.
  const Tensor& keys() const { return keys_; }
  int64_t size() const { return keys_.dim(0); }
  /// Overwrites the oldest rows with k (N, dim). Throws Error unless N divides K.
  void push(const Tensor& k);

 private:
  Tensor keys_, pointer_;
};

}  // namespace minissl
