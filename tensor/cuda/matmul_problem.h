#pragma once
#include <compare>
#include <string>

#include "tensor/ops/matmul.h"

namespace minissl::cuda {

/// A matrix product as it is described to cuBLAS: everything that the choice of an algorithm depends on. To cuBLAS,
/// whose matrices are column-major, our row-major ones are their own transposes: it computes C^T = op(B)^T op(A)^T, and
/// no element moves.
struct MatmulProblem {
  struct Matrix {
    int64_t rows, columns;  ///< column-major; the leading dimension is `rows`
    bool transposed;        ///< before it is multiplied
    auto operator<=>(const Matrix&) const = default;
  };
  Matrix left, right;     ///< the operation's b and a
  int64_t rows, columns;  ///< of the product, column-major
  int64_t batch;          ///< the number of products; their matrices are consecutive in memory
  DType in, out;
  int64_t alignment;  ///< bytes: of all three matrices
  bool tf32;

  auto operator<=>(const MatmulProblem&) const = default;
  std::string str() const;
};

/// Throws Error for types that cuBLAS does not multiply: f32, f64, or bf16 into bf16 or f32.
MatmulProblem problem_of(const ops::MatMul& op);

}  // namespace minissl::cuda
