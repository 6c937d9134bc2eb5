#pragma once
#include "tensor/operation.h"

/// Sums over a whole tensor or over the rows of a matrix.
namespace minissl::ops {

/// y (1) = sum of all elements of x.
struct Sum {
  static constexpr const char* name = "sum";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const Sum&);
void kernel(Cuda, const Sum&);

/// y = x (1) in every element, y of any shape. The gradient of Sum.
struct Expand {
  static constexpr const char* name = "expand";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const Expand&);
void kernel(Cuda, const Expand&);

/// y (D) = sum over the rows of x (N, D), in f32 for x in bf16. The gradient of AddRow's row.
struct ColumnSum {
  static constexpr const char* name = "column_sum";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const ColumnSum&);
void kernel(Cuda, const ColumnSum&);

/// Throws Error unless x is (N, D).
Tensor column_sum(const Tensor& x);

}  // namespace minissl::ops
