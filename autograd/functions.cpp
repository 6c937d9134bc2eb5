#include "autograd/functions.h"

#include "autograd/gradients.h"
#include "autograd/recompute.h"
#include "tensor/ops/pooling.h"
#include "tensor/ops/rows.h"

namespace minissl {

Variable convolution(const Variable& x, const Variable& w, ops::ConvolutionGeometry geometry) {
  // Only the weights' gradient reads x.
  const Saved saved_x = w.requires_grad() ? Saved(x) : Saved();
  const Shape x_shape = x.shape();
  Variable y = record("convolution", {x, w}, ops::convolution(x.value(), w.value(), geometry), {saved_x, w},
                      [geometry, x_shape](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        const Tensor w = context.saved(1);
                        Gradients gradients(2);
                        // Weights first: a recomputed x is freed before dx, of the same size, is allocated.
                        if (context.needs(1))
                          gradients[1] = ops::convolution_weight_gradient(dy, context.saved(0), w.shape(), geometry);
                        if (context.needs(0)) gradients[0] = ops::convolution_input_gradient(dy, w, x_shape, geometry);
                        return gradients;
                      });
  if (w.requires_grad()) count_naively(x);
  product(y, ops::convolution_flops(w.shape(), y.shape()), {x, w},
          [geometry](const std::vector<Tensor>& in) { return ops::convolution(in[0], in[1], geometry); });
  return y;
}

Variable max_pool(const Variable& x, int64_t window, int64_t stride, int64_t padding) {
  require(x.shape().rank() == 4, "max_pool needs images (N, H, W, C), not {}", x.value());
  const ops::ConvolutionGeometry geometry{stride, padding};
  const Shape& in = x.shape();
  require(
      stride > 0 && 0 <= padding && padding < window && window <= 16,
      "max_pool: a window of {} at stride {} with padding {} is not possible; the window may be 1 to 16, the padding "
      "less than that",
      window, stride, padding);
  require(in[1] + 2 * padding >= window && in[2] + 2 * padding >= window,
          "max_pool: images {} are smaller than the window of {}", x.value(), window);
  const Shape out{in[0], geometry.output_extent(in[1], window), geometry.output_extent(in[2], window), in[3]};
  ops::MaxPool op{x.value(), like(x.value(), out), Tensor::empty(out, DType::u8, x.value().device()), window, stride,
                  padding};
  run(op);
  Variable y =
      record("max_pool", {x}, op.y, {op.positions}, [=](const Tensor& dy, const BackwardContext& context) -> Gradients {
        ops::MaxPoolGradient gradient{dy, context.saved(0), like(dy, in), window, stride, padding};
        run(gradient);
        return {gradient.dx};
      });
  // PyTorch keeps the input and a 64-bit position for each maximum.
  count_naively(x, out.numel() * static_cast<int64_t>(sizeof(int64_t)));
  y.offer_recipe({x}, [=](const std::vector<Tensor>& in) {
    ops::MaxPool again{in[0], like(in[0], out), Tensor::empty(out, DType::u8, in[0].device()), window, stride, padding};
    run(again);
    return again.y;
  });
  return y;
}

Variable global_average_pool(const Variable& x) {
  require(x.shape().rank() == 4, "global_average_pool needs images (N, H, W, C), not {}", x.value());
  const Shape in = x.shape();
  const DType type = x.value().dtype();
  ops::GlobalAveragePool op{x.value(), Tensor::empty({in[0], in[3]}, master_type(type), x.value().device())};
  run(op);
  return record("global_average_pool", {x}, op.y, {},
                [in, type](const Tensor& dy, const BackwardContext&) -> Gradients {
                  ops::GlobalAveragePoolGradient gradient{dy, Tensor::empty(in, type, dy.device())};
                  run(gradient);
                  return {gradient.dx};
                });
}

Variable convolution(const Variable& x, const Variable& w, const Variable& bias, ops::ConvolutionGeometry geometry) {
  const Variable y = convolution(x, w, geometry);
  return bias.defined() ? add_row(y, bias) : y;
}

Variable convolution_inference(const Variable& x, const Tensor& w, ops::ConvolutionGeometry geometry,
                               const ops::ConvolutionFinish& finish) {
  require(NoGradScope::active() || !x.requires_grad(),
          "convolution_inference has no derivative; evaluate within NoGradScope");
  return ops::convolution(x.value(), w, geometry, finish);
}

// The convolution C with these weights maps images like y to outputs like x, and y is C's input gradient at x. So dx is
// C of dy, and dw is C's weight gradient with dy as its images and x as the gradient of its output. What is read later
// is the sum with the bias, so that is the product.
Variable conv_transpose(const Variable& x, const Variable& w, const Variable& bias, ops::ConvolutionGeometry geometry) {
  const Saved saved_x = w.requires_grad() ? Saved(x) : Saved(), saved_w = x.requires_grad() ? Saved(w) : Saved();
  Variable y = record("conv_transpose", {x, w}, ops::conv_transpose(x.value(), w.value(), geometry), {saved_x, saved_w},
                      [geometry, w_shape = w.shape()](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        Gradients gradients(2);
                        if (context.needs(1))
                          gradients[1] = ops::convolution_weight_gradient(context.saved(0), dy, w_shape, geometry);
                        if (context.needs(0)) gradients[0] = ops::convolution(dy, context.saved(1), geometry);
                        return gradients;
                      });
  if (w.requires_grad()) count_naively(x);
  if (bias.defined()) y = add_row(y, bias);
  std::vector<Saved> inputs{x, w};
  if (bias.defined()) inputs.emplace_back(bias);
  product(y, ops::convolution_flops(w.shape(), x.shape()), std::move(inputs),
          [geometry](const std::vector<Tensor>& in) {
            const Tensor sums = ops::conv_transpose(in[0], in[1], geometry);
            if (in.size() == 2) return sums;
            const ops::AddRow add{sums, in[2], Tensor::empty_like(sums)};
            run(add);
            return add.y;
          });
  return y;
}

}  // namespace minissl
