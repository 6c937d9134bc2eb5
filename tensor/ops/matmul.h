#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// c = op(a) op(b), where op transposes the last two dimensions if its flag is set: op(a) is (..., M, K), op(b)
/// (..., K, N), c (..., M, N). All three have the same leading dimensions, or none.
struct MatMul {
  static constexpr const char* name = "matmul";
  Tensor a, b, c;
  bool transpose_a = false, transpose_b = false;
  const Tensor& dispatch() const { return a; }
  /// The number of terms in each sum, and the number of products.
  int64_t inner() const { return a.dim(transpose_a ? -2 : -1); }
  int64_t batch() const { return c.shape().leading(2); }
  double flops() const { return 2 * static_cast<double>(c.numel()) * static_cast<double>(inner()); }
};
void kernel(Reference, const MatMul&);
void kernel(Cpu, const MatMul&);
void kernel(Cuda, const MatMul&);
int64_t workspace_bytes(Cpu, const MatMul&);

struct Transposed {
  bool a = false, b = false;
};
/// a (..., M, K) times b (..., K, N) with equal leading dimensions. b may also be a single matrix (K, N) for an `a`
/// with leading dimensions, as the weights of a linear layer are for (B, L, K). Then all rows of `a` are multiplied by
/// b in one product, and `a` can't be transposed. Throws Error, with both shapes, where they don't fit.
Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed = {});

}  // namespace minissl::ops
