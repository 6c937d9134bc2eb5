#pragma once
#include "tensor/operation.h"

/// Operations on each column of a matrix (N, D): one dimension of an embedding over the batch.
namespace minissl::ops {

/// y (D) = variance of each column of x (N, D), divided by N - 1 (unbiased); N > 1.
struct ColumnVariance {
  static constexpr const char* name = "column_variance";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const ColumnVariance&);
void kernel(Cuda, const ColumnVariance&);

/// dx[n,d] = dy[d] * 2 (x[n,d] - mean[d]) / (N - 1).
struct ColumnVarianceGradient {
  static constexpr const char* name = "column_variance_gradient";
  Tensor dy, x, dx;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const ColumnVarianceGradient&);
void kernel(Cuda, const ColumnVarianceGradient&);

/// y = x minus the mean of each column: x, y (N, D). It is its own gradient.
struct CenterColumns {
  static constexpr const char* name = "center_columns";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const CenterColumns&);
void kernel(Cuda, const CenterColumns&);

/// y = (x - mean) / (std + eps), column by column: x, y (N, D), std (D), the root of the unbiased variance; N > 1.
/// BarlowTwins standardises its projections like this (Zbontar et al. 2021); eps is for dimensions that are constant.
struct Standardize {
  static constexpr const char* name = "standardize";
  Tensor x, y, std;
  static constexpr double eps = 1e-6;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const Standardize&);
void kernel(Cuda, const Standardize&);

/// dx = (dy - mean(dy)) / (std + eps) - y sum(dy y) / ((N - 1) std), column by column; the second part is 0 where std
/// is.
struct StandardizeGradient {
  static constexpr const char* name = "standardize_gradient";
  Tensor dy, y, std, dx;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const StandardizeGradient&);
void kernel(Cuda, const StandardizeGradient&);

/// Throws Error unless x is (N, D).
Tensor center_columns(const Tensor& x);

}  // namespace minissl::ops
