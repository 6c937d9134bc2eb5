#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "autograd/recompute.h"
#include "tensor/ops/linear.h"
#include "tensor/ops/reduce.h"

namespace minissl {

// With A and B the operands after any transposition: dA = dC B^T and dB = A^T dC.
Variable matmul(const Variable& a, const Variable& b, ops::Transposed transposed) {
  Variable c = record(
      "matmul", {a, b}, ops::matmul(a.value(), b.value(), transposed),
      {b.requires_grad() ? Saved(a) : Saved(), a.requires_grad() ? Saved(b) : Saved()},
      [transposed, shared = b.shape().rank() == 2](const Tensor& dc, const BackwardContext& context) -> Gradients {
        const Tensor a = context.saved(0), b = context.saved(1);
        Gradients gradients(2);
        if (context.needs(0))
          gradients[0] =
              transposed.a ? ops::matmul(b, dc, {transposed.b, true}) : ops::matmul(dc, b, {false, !transposed.b});
        if (context.needs(1)) {
          // All rows of a are multiplied by the same b, so its gradient is one product over all of them.
          const auto flat = [&](const Tensor& t) {
            return shared && t.rank() > 2 ? t.view({t.shape().leading(1), t.dim(-1)}) : t;
          };
          gradients[1] = transposed.b ? ops::matmul(flat(dc), flat(a), {true, transposed.a})
                                      : ops::matmul(flat(a), flat(dc), {!transposed.a, false});
        }
        return gradients;
      });
  const auto terms = static_cast<double>(a.shape()[transposed.a ? -2 : -1]);
  if (b.requires_grad()) count_naively(a);
  product(c, 2 * static_cast<double>(c.value().numel()) * terms, {a, b},
          [transposed](const std::vector<Tensor>& in) { return ops::matmul(in[0], in[1], transposed); });
  return c;
}

// With y = x W^T + b + r: dx = dy W, dW = dy^T x, db = the sum of dy's rows, dr = dy.
Variable linear(const Variable& x, const Variable& weight, const Variable& bias, const Variable& residual) {
  if (!bias.defined() && !residual.defined()) return matmul(x, weight, {.a = false, .b = true});
  Variable y = record("linear", {x, weight, bias, residual},
                      ops::linear(x.value(), weight.value(), bias.value(), residual.value()),
                      {weight.requires_grad() ? Saved(x) : Saved(), x.requires_grad() ? Saved(weight) : Saved()},
                      [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        const auto rows = [](const Tensor& t) { return t.view({t.shape().leading(1), t.dim(-1)}); };
                        Gradients gradients(4);
                        // Weights first: a recomputed x is freed before dx is allocated.
                        if (context.needs(1))
                          gradients[1] = ops::matmul(rows(dy), rows(context.saved(0)), {true, false});
                        if (context.needs(0)) gradients[0] = ops::matmul(dy, context.saved(1));
                        if (context.needs(2)) gradients[2] = ops::column_sum(rows(dy));
                        if (context.needs(3)) gradients[3] = dy;
                        return gradients;
                      });
  if (weight.requires_grad()) count_naively(x);
  product(y, 2 * static_cast<double>(y.value().numel()) * static_cast<double>(x.shape()[-1]),
          {x, weight, bias, residual},
          [](const std::vector<Tensor>& in) { return ops::linear(in[0], in[1], in[2], in[3]); });
  return y;
}

}  // namespace minissl
