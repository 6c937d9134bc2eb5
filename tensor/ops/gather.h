#pragma once
#include "tensor/host_device.h"
#include "tensor/operation.h"

/// Operations that select rows by number: rows of one tensor, x[l] of x (L, ...) with an index (K), or rows of each of
/// N images, x[n,l] of x (N, L, ...) with an index (N, K). The formulas below are for one tensor; with images each
/// holds for every image. An index is i64.
namespace minissl::ops {

/// Whether l is the number of one of `rows` rows; -1 isn't.
MINISSL_HD inline bool is_row(int64_t l, int64_t rows) { return l >= 0 && l < rows; }

/// Where an operation's rows are. `all` is the tensor whose L rows the index numbers.
struct RowPlaces {
  RowPlaces(const Tensor& index, const Tensor& all)
      : count(index.numel()), chosen(index.dim(-1)), rows(all.dim(index.rank() - 1)) {
    for (int d = index.rank(); d < all.rank(); ++d) width *= all.dim(d);
  }

  MINISSL_HD bool contains(int64_t l) const { return is_row(l, rows); }
  /// The first element in `all` of row l, for element i of the index.
  MINISSL_HD int64_t begin(int64_t i, int64_t l) const { return (i / chosen * rows + l) * width; }

  int64_t count;      ///< elements of the index
  int64_t chosen;     ///< K
  int64_t rows;       ///< L
  int64_t width = 1;  ///< elements of a row
};

/// y[i] = x[index[i]]: x (L, ...), index (K), y (K, ...). A row may be taken several times, or never. If `fill`, a row
/// (...), is defined, the index may have other numbers than those of rows, and y is `fill` there. `fill` is f32 for x
/// in bf16.
struct GatherRows {
  static constexpr const char* name = "gather_rows";
  static constexpr bool any_type = true;
  Tensor x, index, fill, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const GatherRows&);
void kernel(Cuda, const GatherRows&);

/// y[index[i]] = x[i], and zeros in the other rows: x (K, ...), index (K), y (L, ...). Elements of the index below L
/// are distinct; rows for others are dropped.
struct ScatterRows {
  static constexpr const char* name = "scatter_rows";
  static constexpr bool any_type = true;
  Tensor x, index, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const ScatterRows&);
void kernel(Cuda, const ScatterRows&);

/// dx[l] = sum of dy[i] over all i with index[i] = l, added up in the order of i: the gradient of GatherRows. Its CUDA
/// kernel reads the index (K) for each row of dx; where the index is distinct, ScatterRows computes the same and reads
/// it once.
struct GatherRowsGradient {
  static constexpr const char* name = "gather_rows_gradient";
  Tensor dy, index, dx;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const GatherRowsGradient&);
void kernel(Cuda, const GatherRowsGradient&);

/// dfill = sum of dy[i] over all i, of all images, where index[i] is no row of x: the gradient of GatherRows' fill.
struct GatherFillGradient {
  static constexpr const char* name = "gather_fill_gradient";
  Tensor dy, index, dfill;
  int64_t rows;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const GatherFillGradient&);
void kernel(Cpu, const GatherFillGradient&);
void kernel(Cuda, const GatherFillGradient&);
int64_t workspace_bytes(Cpu, const GatherFillGradient&);

/// Throws Error unless `index` is i64, (K) or (N, K), and its elements are rows of x, unless `fill` is defined.
/// The elements of an index on a GPU are not checked, because the host would have to wait for them.
Tensor gather_rows(const Tensor& x, const Tensor& index, const Tensor& fill = {});
/// y has `rows` rows. Throws Error unless `index` has an element for each row of x, all of them below `rows` and
/// distinct; not checked on a GPU, as in gather_rows.
Tensor scatter_rows(const Tensor& x, const Tensor& index, int64_t rows);
/// The gradient of gather_rows with respect to an x of `rows` rows.
Tensor gather_rows_gradient(const Tensor& dy, const Tensor& index, int64_t rows);

}  // namespace minissl::ops
