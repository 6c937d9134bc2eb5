#include "tensor/convolution/single_pixel.h"

#include <algorithm>

#include "tensor/onednn.h"

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

int64_t row(const Shape& s) { return s[1] * s[2] * s[3]; }

bool applies(const ConvolutionShapes& s) { return s.y[1] * s.y[2] == 1 && s.w[1] * s.w[2] > 1; }

void forward(const ConvolutionShapes& s, const float* images, const float* weights, float* out) {
  std::fill_n(out, s.x[0] * s.w[0], 0.0f);
  for_each_tap(s, [&](int64_t tap, int64_t pixel) {
    onednn::matmul(s.x[0], s.w[0], s.x[3], {images + pixel, row(s.x)}, {weights + tap, row(s.w), true}, out, s.w[0],
                   true);
  });
}

void input_gradient(const ConvolutionShapes& s, const float* dy, const float* weights, float* dx) {
  std::fill_n(dx, s.x.numel(), 0.0f);  // pixels that no tap meets
  for_each_tap(s, [&](int64_t tap, int64_t pixel) {
    onednn::matmul(s.x[0], s.x[3], s.w[0], {dy, s.w[0]}, {weights + tap, row(s.w)}, dx + pixel, row(s.x), false);
  });
}

void weight_gradient(const ConvolutionShapes& s, const float* dy, const float* images, float* dw) {
  std::fill_n(dw, s.w.numel(), 0.0f);  // taps that meet padding alone
  for_each_tap(s, [&](int64_t tap, int64_t pixel) {
    onednn::matmul(s.w[0], s.x[3], s.x[0], {dy, s.w[0], true}, {images + pixel, row(s.x)}, dw + tap, row(s.w), false);
  });
}

int64_t no_bytes(const ConvolutionShapes&) { return 0; }

}  // namespace

constinit const Way way{"single pixel",  applies,  forward,  input_gradient,
                        weight_gradient, no_bytes, no_bytes, no_bytes};

}  // namespace minissl::single_pixel
