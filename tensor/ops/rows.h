#pragma once
#include "tensor/operation.h"

/// Operations on matrices (N, D) row by row.
namespace minissl::ops {

/// y = x + row: x, y (..., D), row (D).
struct AddRow {
  static constexpr const char* name = "add_row";
  Tensor x, row, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const AddRow&);
void kernel(Cpu, const AddRow&);
void kernel(Cuda, const AddRow&);

/// y (N, 1): y[n] = sum over d of a[n,d] b[n,d].
struct RowDot {
  static constexpr const char* name = "rowwise_dot";
  Tensor a, b, y;
  const Tensor& dispatch() const { return a; }
};
void kernel(Reference, const RowDot&);
void kernel(Cuda, const RowDot&);

/// dx[n,d] = dy[n] * other[n,d]: RowDot's gradient with respect to one side; `other` is the other side.
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

/// y (n, i64): y[i] = first + (i / width) * down + (i % width) * across. These are positions in a grid whose rows are
/// `width` long, row by row, where `across` and `down` are the steps to the next column and the next row.
struct GridPositions {
  static constexpr const char* name = "grid_positions";
  Tensor y;
  int64_t width, first, down, across;
  const Tensor& dispatch() const { return y; }
};
void kernel(Reference, const GridPositions&);
void kernel(Cuda, const GridPositions&);

/// GridPositions of `count` places.
Tensor grid_positions(int64_t count, int64_t width, int64_t first, int64_t down, int64_t across, Device device);

/// Throws Error unless `order` is a permutation of x's rows. This is not checked for an order on a GPU, for which the
/// host would have to wait.
Tensor permute_rows(const Tensor& x, const Tensor& order);
/// The inverse of permute_rows.
Tensor unpermute_rows(const Tensor& x, const Tensor& order);
/// The order 0, parts, 2 parts, ..., 1, parts + 1, ...: `count` rows are dealt to `parts` in turn, and those of the
/// first part come first. Throws Error unless all parts get the same number.
Tensor interleaved_order(int64_t count, int64_t parts, Device device);
/// The order that exchanges the two halves of `count` rows.
Tensor swapped_halves(int64_t count, Device device);
/// Throws Error unless x is (N, D).
Tensor normalize(const Tensor& x);

}  // namespace minissl::ops
