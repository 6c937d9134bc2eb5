#pragma once
#include "tensor/operation.h"

/// The largest element of each row, f32 or f64, by its number.
namespace minissl::ops {

/// y[n] is the d with the largest x[n,d], the lowest of several: x (N, D), y i64 (N).
struct Argmax {
  static constexpr const char* name = "argmax";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const Argmax&);
void kernel(Cpu, const Argmax&);
void kernel(Cuda, const Argmax&);

/// y[n,d] = 1 for the d that index[n] names, else 0, but NaN where x[n,d] is: x, y (N, D), index i64 (N).
struct Hardmax {
  static constexpr const char* name = "hardmax";
  Tensor x, index, y;
  const Tensor& dispatch() const { return y; }
};
void kernel(Reference, const Hardmax&);
void kernel(Cuda, const Hardmax&);

/// Throws Error unless x is (N, D) with D > 0.
Tensor argmax(const Tensor& x);
/// The one-hot rows of the largest elements.
Tensor hardmax(const Tensor& x);

}  // namespace minissl::ops
