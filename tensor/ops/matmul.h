#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// c = op(a) op(b), op being transposition of the last two dimensions where the flag says so: op(a) is (..., M, K),
/// op(b) (..., K, N), c (..., M, N). All three have the same leading dimensions, or none.
struct MatMul {
  static constexpr const char* name = "matmul";
  Tensor a, b, c;
  bool transpose_a = false, transpose_b = false;
  const Tensor& dispatch() const { return a; }
  /// The number of terms of each sum, and of products that are independent of each other.
  int64_t inner() const { return a.dim(transpose_a ? -2 : -1); }
  int64_t batch() const { return c.shape().leading(2); }
  double flops() const { return 2 * static_cast<double>(c.numel()) * static_cast<double>(inner()); }
};
void kernel(Reference, const MatMul&);
void kernel(Cpu, const MatMul&);
void kernel(Cuda, const MatMul&);

struct Transposed {
  bool a = false, b = false;
};
/// a (..., M, K) times b (..., K, N), whose leading dimensions are equal. A matrix b (K, N) may also follow an a with
/// leading dimensions, as the weights of a linear layer follow (B, L, K): the result is the product of a, flattened to
/// (..., K), and b; a can't be transposed then. Throws Error, with both shapes, where they don't fit.
Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed = {});

}  // namespace minissl::ops
