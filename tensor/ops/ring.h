#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// The rows (N, D) overwrite those of a ring (K, D) from position `next` (1, i64) on, wrapping around at its end, and
/// `next` becomes the position after them. N is at most K.
struct PushRows {
  static constexpr const char* name = "push_rows";
  Tensor ring, rows, next;
  const Tensor& dispatch() const { return ring; }
};
void kernel(Reference, const PushRows&);
void kernel(Cuda, const PushRows&);

/// Throws Error unless shapes and types fit.
void push_rows(const Tensor& ring, const Tensor& rows, const Tensor& next);

}  // namespace minissl::ops
