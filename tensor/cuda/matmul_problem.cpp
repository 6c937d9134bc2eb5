#include "tensor/cuda/matmul_problem.h"

#include "tensor/cuda/convolution_problem.h"
#include "tensor/tf32.h"

namespace minissl::cuda {

std::string MatmulProblem::str() const {
  const auto matrix = [](const Matrix& m) {
    return fmt::format("({}, {}){}", m.rows, m.columns, m.transposed ? "^T" : "");
  };
  return fmt::format("{} {} {} to {}, column-major, aligned {}{}{}", name_of(in), matrix(left), matrix(right),
                     name_of(out), alignment, tf32 ? ", tf32" : "",
                     batch == 1 ? "" : fmt::format(", {} products", batch));
}

MatmulProblem problem_of(const ops::MatMul& op) {
  const DType in = op.a.dtype(), out = op.c.dtype();
  require(is_floating(in) && op.b.dtype() == in && (out == in || (in == DType::bf16 && out == DType::f32)),
          "matmul: {} times {} into {} is no product that a GPU makes", op.a, op.b, op.c);
  // The second matrix of a batch counts as well: all others are multiples of its distance from the first.
  const auto second = [&](const Tensor& t) { return t.bytes_begin() + (op.batch() > 1 ? t.bytes() / op.batch() : 0); };
  return {.left = {op.b.dim(-1), op.b.dim(-2), op.transpose_b},
          .right = {op.a.dim(-1), op.a.dim(-2), op.transpose_a},
          .rows = op.c.dim(-1),
          .columns = op.c.dim(-2),
          .batch = op.batch(),
          .in = in,
          .out = out,
          .alignment = common_alignment(
              {op.a.bytes_begin(), op.b.bytes_begin(), op.c.bytes_begin(), second(op.a), second(op.b), second(op.c)}),
          .tf32 = in == DType::f32 && tf32::enabled()};
}

}  // namespace minissl::cuda
