#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// c = op(a) op(b): op(a) is (M, K), op(b) (K, N), c (M, N), op being transposition where the flag says so.
struct MatMul {
  static constexpr const char* name = "matmul";
  Tensor a, b, c;
  bool transpose_a = false, transpose_b = false;
  const Tensor& dispatch() const { return a; }
  double flops() const { return 2 * static_cast<double>(c.numel()) * static_cast<double>(a.dim(transpose_a ? 0 : 1)); }
};
void kernel(Reference, const MatMul&);
void kernel(Cpu, const MatMul&);
void kernel(Cuda, const MatMul&);

struct Transposed {
  bool a = false, b = false;
};
/// Throws Error, with both shapes, when the inner extents differ.
Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed = {});

}  // namespace minissl::ops
