#pragma once
#include "nn/module.h"

namespace minissl {

/// SwAV's queues (Caron et al. 2020, section 4.1): the latest projections of each of the two global crops, newest
/// first, zeros at first. In files "queues", (2, L, dim).
class ProjectionQueue : public Module {
 public:
  /// L = `size` projections of `dim` dimensions for each crop.
  ProjectionQueue(int64_t size, int64_t dim, DType dtype);

  int64_t size() const { return queues_.dim(1); }
  /// (L, dim), of global crop 0 or 1.
  Tensor of(int64_t crop) const;
  /// Whether the oldest places of both queues are taken, that is, not zero. Waits for the device.
  bool full() const;
  /// The rows of z (N, dim) enter in front of the others, which move back; those behind the L-th are dropped.
  void push(int64_t crop, const Tensor& z) const;

 private:
  Tensor queues_;
};

}  // namespace minissl
