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

/// y[n,d] = 1 if index[n] = d, else 0: index i64 (N), y (N, D).
struct OneHot {
  static constexpr const char* name = "one_hot";
  Tensor index, y;
  const Tensor& dispatch() const { return y; }
};
void kernel(Reference, const OneHot&);
void kernel(Cuda, const OneHot&);

/// Throws Error unless x is (N, D) with D > 0.
Tensor argmax(const Tensor& x);
/// (N, classes). Throws Error unless index is i64 (N).
Tensor one_hot(const Tensor& index, int64_t classes, DType type);

}  // namespace minissl::ops
