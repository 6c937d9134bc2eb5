#include "tensor/ops/elementwise.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "tensor/ops/cast.h"

namespace minissl {
namespace {

template <class F>
Variable unary(const Variable& x, F f = {}) {
  using ops::GradientReads;
  const Tensor y = ops::unary(x.value(), f);
  std::vector<Saved> saved;
  if (F::gradient_reads == GradientReads::input) saved = {x};
  if (F::gradient_reads == GradientReads::output) saved = {y};
  Variable result =
      record(F::name, {x}, y, std::move(saved), [f](const Tensor& dy, const BackwardContext& context) -> Gradients {
        ops::UnaryGradient<F> op{dy, {}, {}, Tensor::empty_like(dy), f};
        if (F::gradient_reads == GradientReads::input) op.x = context.saved(0);
        if (F::gradient_reads == GradientReads::output) op.y = context.saved(0);
        run(op);
        return {op.dx};
      });
  result.offer_recipe({x}, [f](const std::vector<Tensor>& in) { return ops::unary(in[0], f); });
  return result;
}

template <class F>
Variable binary(const Variable& a, const Variable& b) {
  std::vector<Saved> saved;
  if (F::gradient_reads_inputs) saved = {a, b};
  Variable result = record(F::name, {a, b}, ops::binary<F>(a.value(), b.value()), std::move(saved),
                           [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                             ops::BinaryGradient<F> op{dy, {}, {}, {}, {}, {}};
                             if (F::gradient_reads_inputs) op.a = context.saved(0), op.b = context.saved(1);
                             if (context.needs(0)) op.da = Tensor::empty_like(dy);
                             if (context.needs(1)) op.db = Tensor::empty_like(dy);
                             run(op);
                             return {op.da, op.db};
                           });
  result.offer_recipe({a, b}, [](const std::vector<Tensor>& in) { return ops::binary<F>(in[0], in[1]); });
  return result;
}

}  // namespace

Variable relu(const Variable& x) { return unary<ops::Relu>(x); }

// The result is cheap compared with the convolution that reads it, so backward recomputes it from x, which the gradient
// reads anyway; after batch normalisation, x is recomputed as well.
Variable relu6(const Variable& x) {
  Variable y = unary<ops::Relu6>(x);
  y.recompute_by(Recompute::each_use, {x}, [](const std::vector<Tensor>& in) { return ops::unary<ops::Relu6>(in[0]); });
  return y;
}

Variable sqrt(const Variable& x) { return unary<ops::Sqrt>(x); }
Variable square(const Variable& x) { return unary<ops::Square>(x); }
Variable gelu(const Variable& x) { return unary<ops::Gelu>(x); }
Variable affine(const Variable& x, double factor, double offset) { return unary(x, ops::Affine{factor, offset}); }
Variable operator+(const Variable& a, const Variable& b) { return binary<ops::Add>(a, b); }
Variable operator-(const Variable& a, const Variable& b) { return binary<ops::Subtract>(a, b); }
Variable operator*(const Variable& a, const Variable& b) { return binary<ops::Multiply>(a, b); }

Variable cast(const Variable& x, DType type) {
  return x.value().dtype() == type ? x : cast(x, ops::cast(x.value(), type));
}

Variable cast(const Variable& x, const Tensor& converted) {
  return record(ops::Cast::name, {x}, converted, {},
                [from = x.value().dtype()](const Tensor& dy, const BackwardContext&) -> Gradients {
                  return {ops::cast(dy, from)};
                });
}

}  // namespace minissl
