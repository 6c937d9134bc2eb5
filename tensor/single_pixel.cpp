#include "tensor/single_pixel.h"

#include <algorithm>

#include "tensor/onednn.h"

namespace minissl::single_pixel {
namespace {

// Calls f(offset of the tap in a row of weights, offset of its pixel in an image) for each tap that meets the image.
template <class F>
void for_each_tap(const Shape& x, const Shape& w, int64_t padding, F&& f) {
  for (int64_t kh = padding; kh < std::min(w[1], x[1] + padding); ++kh)
    for (int64_t kw = padding; kw < std::min(w[2], x[2] + padding); ++kw)
      f((kh * w[2] + kw) * w[3], ((kh - padding) * x[2] + kw - padding) * x[3]);
}

int64_t row(const Shape& s) { return s[1] * s[2] * s[3]; }

}  // namespace

bool applies(const Shape& w, const Shape& y) { return y[1] * y[2] == 1 && w[1] * w[2] > 1; }

void convolution(const Shape& x, const Shape& w, int64_t padding, const float* images, const float* weights,
                 float* out) {
  std::fill_n(out, x[0] * w[0], 0.0f);
  for_each_tap(x, w, padding, [&](int64_t tap, int64_t pixel) {
    onednn::matmul(x[0], w[0], x[3], {images + pixel, row(x)}, {weights + tap, row(w), true}, out, w[0], true);
  });
}

void convolution_input_gradient(const Shape& x, const Shape& w, int64_t padding, const float* dy, const float* weights,
                                float* dx) {
  std::fill_n(dx, x.numel(), 0.0f);  // pixels that no tap meets
  for_each_tap(x, w, padding, [&](int64_t tap, int64_t pixel) {
    onednn::matmul(x[0], x[3], w[0], {dy, w[0]}, {weights + tap, row(w)}, dx + pixel, row(x), false);
  });
}

void convolution_weight_gradient(const Shape& x, const Shape& w, int64_t padding, const float* dy, const float* images,
                                 float* dw) {
  std::fill_n(dw, w.numel(), 0.0f);  // taps that meet padding alone
  for_each_tap(x, w, padding, [&](int64_t tap, int64_t pixel) {
    onednn::matmul(w[0], x[3], x[0], {dy, w[0], true}, {images + pixel, row(x)}, dw + tap, row(w), false);
  });
}

}  // namespace minissl::single_pixel
