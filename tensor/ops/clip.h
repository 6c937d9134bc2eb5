#pragma once
#include "tensor/operation.h"

/// Clipping of gradients in place.
namespace minissl::ops {

/// Clips the gradient of each parameter of an arena alone (Caron et al. 2021): with `gradient` the sum of several
/// batches' gradients,
///   gradient *= min(1, clip_norm / (norm + 1e-6)),  norm = |the parameter's gradient| / batches.
/// The squares are added up in float64, the same bits on any number of threads.
struct ClipEach {
  static constexpr const char* name = "clip_each";
  Tensor gradient, pieces;  ///< see tensor/pieces.h
  int64_t batches = 1;
  double clip_norm = 1;
  const Tensor& dispatch() const { return gradient; }
};
void kernel(Reference, const ClipEach&);
void kernel(Cuda, const ClipEach&);
int64_t workspace_bytes(Cuda, const ClipEach&);

}  // namespace minissl::ops
