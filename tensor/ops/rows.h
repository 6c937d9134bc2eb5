#pragma once
#include "tensor/operation.h"

/// Operations on the rows and columns of matrices (N, D).
namespace minissl::ops {

/// y = x + row: x, y (N, D), row (D).
struct AddRow {
  static constexpr const char* name = "add_row";
  Tensor x, row, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const AddRow&);
void kernel(Cuda, const AddRow&);

/// y (D) = sum over the rows of x (N, D). The gradient of AddRow's row.
struct ColumnSum {
  static constexpr const char* name = "column_sum";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const ColumnSum&);
void kernel(Cuda, const ColumnSum&);

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

/// y (N, 1): y[n] = sum over d of a[n,d] b[n,d].
struct RowDot {
  static constexpr const char* name = "rowwise_dot";
  Tensor a, b, y;
  const Tensor& dispatch() const { return a; }
};
void kernel(Reference, const RowDot&);
void kernel(Cuda, const RowDot&);

/// dx[n,d] = dy[n] * other[n,d]: RowDot's gradient with respect to one side, `other` being the other.
struct RowScale {
  static constexpr const char* name = "row_scale";
  Tensor dy, other, dx;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const RowScale&);
void kernel(Cuda, const RowScale&);

/// y = x / max(norm, eps), norm (N) being each row's Euclidean norm, which is returned.
struct Normalize {
  static constexpr const char* name = "normalize";
  Tensor x, y, norm;
  static constexpr double eps = 1e-12;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const Normalize&);
void kernel(Cuda, const Normalize&);

/// dx = (dy - y (y . dy)) / norm, row by row; dy / eps where the norm is less than eps.
struct NormalizeGradient {
  static constexpr const char* name = "normalize_gradient";
  Tensor dy, y, norm, dx;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const NormalizeGradient&);
void kernel(Cuda, const NormalizeGradient&);

/// y (N, A + B) = [a | b]: a (N, A), b (N, B).
struct ConcatColumns {
  static constexpr const char* name = "concat";
  Tensor a, b, y;
  const Tensor& dispatch() const { return a; }
};
void kernel(Reference, const ConcatColumns&);
void kernel(Cuda, const ConcatColumns&);

/// y (A + B, D) = a's rows, then b's: a (A, D), b (B, D).
struct ConcatRows {
  static constexpr const char* name = "concat_rows";
  static constexpr bool any_type = true;
  Tensor a, b, y;
  const Tensor& dispatch() const { return a; }
};
void kernel(Reference, const ConcatRows&);
void kernel(Cuda, const ConcatRows&);

/// y (N, D) = columns [begin, begin + D) of x. The gradient of ConcatColumns.
struct SliceColumns {
  static constexpr const char* name = "slice_columns";
  Tensor x, y;
  int64_t begin = 0;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const SliceColumns&);
void kernel(Cuda, const SliceColumns&);

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

/// Mean over the rows of -log softmax(logits)[target]: logits (N, K), targets i64 (N), loss (1).
/// log_sum_exp (N) is kept for the gradient: softmax = exp(logits - log_sum_exp).
struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  Tensor logits, targets, loss, log_sum_exp;
  const Tensor& dispatch() const { return logits; }
};
void kernel(Reference, const CrossEntropy&);
void kernel(Cpu, const CrossEntropy&);
void kernel(Cuda, const CrossEntropy&);

/// dlogits = dloss (softmax - one_hot(target)) / N; dloss (1).
struct CrossEntropyGradient {
  static constexpr const char* name = "cross_entropy_gradient";
  Tensor dloss, logits, targets, log_sum_exp, dlogits;
  const Tensor& dispatch() const { return logits; }
};
void kernel(Reference, const CrossEntropyGradient&);
void kernel(Cpu, const CrossEntropyGradient&);
void kernel(Cuda, const CrossEntropyGradient&);

/// y[n,b,a] = x[n,a,b]: x (N, A, B), y (N, B, A). With images flat, NCHW to NHWC and back.
struct BatchedTranspose {
  static constexpr const char* name = "transpose";
  static constexpr bool any_type = true;
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const BatchedTranspose&);
void kernel(Cuda, const BatchedTranspose&);

/// y[i] = x[order[i]], row by row, or inverse: y[order[i]] = x[i]. x and y (N, ...), order i64 (N), a permutation.
struct PermuteRows {
  static constexpr const char* name = "permute_rows";
  static constexpr bool any_type = true;
  Tensor x, order, y;
  bool inverse = false;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const PermuteRows&);
void kernel(Cuda, const PermuteRows&);

/// y (n, i64): y[i] = first + (i / width) * down + (i % width) * across, the places of a grid of rows of `width` in the
/// order in which they are visited.
struct GridPositions {
  static constexpr const char* name = "grid_positions";
  Tensor y;
  int64_t width, first, down, across;
  const Tensor& dispatch() const { return y; }
};
void kernel(Reference, const GridPositions&);
void kernel(Cuda, const GridPositions&);

/// Throws Error unless `order` is a permutation of x's rows. One that is on a GPU is taken at its word: the host
/// doesn't wait to look.
Tensor permute_rows(const Tensor& x, const Tensor& order);
/// What undoes it.
Tensor unpermute_rows(const Tensor& x, const Tensor& order);
/// How `count` rows are dealt to `hands`, one after the other: as an order, those of the first hand come first. Throws
/// Error unless each hand gets as many.
Tensor dealt_order(int64_t count, int64_t hands, Device device);
/// The order in which two halves of `count` rows change places.
Tensor swapped_halves(int64_t count, Device device);
Tensor column_sum(const Tensor& x);
Tensor normalize(const Tensor& x);
/// (N, C, H, W) to (N, H, W, C), which also takes weights from OIHW to OHWI.
Tensor nchw_to_nhwc(const Tensor& x);
/// (N, H, W, C) to (N, C, H, W), which also takes weights from OHWI to OIHW.
Tensor nhwc_to_nchw(const Tensor& x);
/// (A, B) to (B, A).
Tensor transpose(const Tensor& x);

}  // namespace minissl::ops
