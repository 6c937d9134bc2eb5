#pragma once
#include "tensor/operation.h"

/// Operations that select rows by number. Row i of a tensor of any rank is x[i], along its first dimension.
namespace minissl::ops {

/// The elements of one row.
inline int64_t row_numel(const Tensor& t) {
  int64_t numel = 1;
  for (int d = 1; d < t.rank(); ++d) numel *= t.dim(d);
  return numel;
}

/// y[i] = x[index[i]]: x (N, ...), index i64 (K), y (K, ...). A row may be taken several times, or never.
struct GatherRows {
  static constexpr const char* name = "gather_rows";
  static constexpr bool any_type = true;
  Tensor x, index, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const GatherRows&);
void kernel(Cuda, const GatherRows&);

/// y[index[i]] = x[i], and zeros in the other rows: x (K, ...), index i64 (K), distinct, y (N, ...).
struct ScatterRows {
  static constexpr const char* name = "scatter_rows";
  static constexpr bool any_type = true;
  Tensor x, index, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const ScatterRows&);
void kernel(Cuda, const ScatterRows&);

/// dx[n] = sum of dy[i] over all i with index[i] = n, added up in the order of i: the gradient of GatherRows. Its CUDA
/// kernel reads the whole index for each row of dx; where the index is distinct, ScatterRows computes the same and
/// reads it once.
struct GatherRowsGradient {
  static constexpr const char* name = "gather_rows_gradient";
  Tensor dy, index, dx;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const GatherRowsGradient&);
void kernel(Cuda, const GatherRowsGradient&);

/// Throws Error unless `index` is i64 (K) and its elements are rows of x. The elements of an index on a GPU are not
/// checked, because the host would have to wait for them.
Tensor gather_rows(const Tensor& x, const Tensor& index);
/// y has `rows` rows. Throws Error unless `index` has an element for each row of x, all of them below `rows` and
/// distinct; not checked on a GPU, as in gather_rows.
Tensor scatter_rows(const Tensor& x, const Tensor& index, int64_t rows);
/// The gradient of gather_rows with respect to an x of `rows` rows.
Tensor gather_rows_gradient(const Tensor& dy, const Tensor& index, int64_t rows);

}  // namespace minissl::ops
