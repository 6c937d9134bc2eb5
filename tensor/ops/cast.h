#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// y = x, element by element in another type; rounded to nearest even where that has fewer digits.
struct Cast {
  static constexpr const char* name = "cast";
  static constexpr bool any_type = true;
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const Cast&);
void kernel(Cuda, const Cast&);

/// x itself where it has that type already.
Tensor cast(const Tensor& x, DType type);

}  // namespace minissl::ops
