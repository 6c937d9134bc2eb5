#include "tensor/convolution/single_pixel.h"

#include <algorithm>

#include "tensor/matrix_product.h"

namespace minissl::single_pixel {
namespace {

// Calls f(offset of the tap in a row of weights, offset of its pixel in an image) for each tap that meets the image.
template <class F>
void for_each_tap(const ConvolutionShapes& s, F&& f) {
  const int64_t padding = s.padding;
  for (int64_t kh = padding; kh < std::min(s.w[1], s.x[1] + padding); ++kh)
    for (int64_t kw = padding; kw < std::min(s.w[2], s.x[2] + padding); ++kw)
      f((kh * s.w[2] + kw) * s.w[3], ((kh - padding) * s.x[2] + kw - padding) * s.x[3]);
}

// Of one tap.
MatrixProduct forward_product(const ConvolutionShapes& s) {
  return MatrixProduct({.m = s.x[0], .n = s.w[0], .k = s.x[3], .transpose_b = true});
}
MatrixProduct input_gradient_product(const ConvolutionShapes& s) {
  return MatrixProduct({.m = s.x[0], .n = s.x[3], .k = s.w[0]});
}
MatrixProduct weight_gradient_product(const ConvolutionShapes& s) {
  return MatrixProduct({.m = s.w[0], .n = s.x[3], .k = s.x[0], .transpose_a = true});
}

int64_t row(const Shape& s) { return s[1] * s[2] * s[3]; }

bool applies(const ConvolutionShapes& s) { return s.y[1] * s.y[2] == 1 && s.w[1] * s.w[2] > 1; }

void forward(const ConvolutionShapes& s, const float* images, const float* weights, float* out, const Finish& finish) {
  const MatrixProduct product = forward_product(s);
  std::fill_n(out, s.x[0] * s.w[0], 0.0f);
  for_each_tap(s, [&](int64_t tap, int64_t pixel) {
    product.run({images + pixel, row(s.x)}, {weights + tap, row(s.w)}, out, s.w[0], {out, s.w[0]});
  });
  if (!finish) return;
  for (int64_t n = 0; n < s.x[0]; ++n) finish.apply(out, n * s.w[0], 0, s.w[0]);
}

void input_gradient(const ConvolutionShapes& s, const float* dy, const float* weights, float* dx) {
  const MatrixProduct product = input_gradient_product(s);
  std::fill_n(dx, s.x.numel(), 0.0f);  // pixels that no tap meets
  for_each_tap(s, [&](int64_t tap, int64_t pixel) {
    product.run({dy, s.w[0]}, {weights + tap, row(s.w)}, dx + pixel, row(s.x));
  });
}

void weight_gradient(const ConvolutionShapes& s, const float* dy, const float* images, float* dw) {
  const MatrixProduct product = weight_gradient_product(s);
  std::fill_n(dw, s.w.numel(), 0.0f);  // taps that meet padding alone
  for_each_tap(s, [&](int64_t tap, int64_t pixel) {
    product.run({dy, s.w[0]}, {images + pixel, row(s.x)}, dw + tap, row(s.w));
  });
}

int64_t forward_bytes(const ConvolutionShapes& s) { return 4 * forward_product(s).floats(); }
int64_t input_gradient_bytes(const ConvolutionShapes& s) { return 4 * input_gradient_product(s).floats(); }
int64_t weight_gradient_bytes(const ConvolutionShapes& s) { return 4 * weight_gradient_product(s).floats(); }

}  // namespace

constinit const Way way{
    "single pixel",       applies, forward, input_gradient, weight_gradient, forward_bytes, input_gradient_bytes,
    weight_gradient_bytes};

}  // namespace minissl::single_pixel
