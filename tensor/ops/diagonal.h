#pragma once
#include "tensor/operation.h"

/// Operations on square matrices (D, D) that treat the diagonal differently from the rest: correlations between the
/// dimensions of an embedding, similarities between the images of a batch. D x D may be most of a method's memory, so
/// none of these makes a copy.
namespace minissl::ops {

/// The squared distance of a correlation matrix from a multiple of the identity, in two parts, each (1):
///   on = sum over i of (c[i,i] - target)^2,   off = sum over i != j of c[i,j]^2.
struct DiagonalDistance {
  static constexpr const char* name = "diagonal_distance";
  Tensor c, on, off;
  double target = 1;
  const Tensor& dispatch() const { return c; }
};
void kernel(Reference, const DiagonalDistance&);
void kernel(Cpu, const DiagonalDistance&);
void kernel(Cuda, const DiagonalDistance&);

/// dc, the gradient of dloss (on_weight * on + off_weight * off): dloss (1), c and dc (D, D).
struct DiagonalDistanceGradient {
  static constexpr const char* name = "diagonal_distance_gradient";
  Tensor dloss, c, dc;
  double target = 1, on_weight = 1, off_weight = 1;
  const Tensor& dispatch() const { return c; }
};
void kernel(Reference, const DiagonalDistanceGradient&);
void kernel(Cpu, const DiagonalDistanceGradient&);
void kernel(Cuda, const DiagonalDistanceGradient&);

/// y = x with `value` in place of the diagonal.
struct FillDiagonal {
  static constexpr const char* name = "fill_diagonal";
  Tensor x, y;
  double value = 0;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const FillDiagonal&);
void kernel(Cuda, const FillDiagonal&);

/// Throws Error unless x is square.
Tensor fill_diagonal(const Tensor& x, double value);

}  // namespace minissl::ops
