#include "tensor/cuda/reduce.h"
#include "tensor/ops/pooling.h"

namespace minissl::ops {
namespace {

using namespace cuda;

// Element i of an image tensor (N, H, W, C), as its indices.
struct Pixel {
  int64_t n, h, w, c;
  MINISSL_HD Pixel(int64_t i, int64_t height, int64_t width, int64_t channels)
      : n(i / channels / width / height), h(i / channels / width % height), w(i / channels % width), c(i % channels) {}
};

template <class T>
void compute(const MaxPool& op) {
  using A = Arithmetic<T>;
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  auto* positions = mutable_data<uint8_t>(op.positions);
  const int64_t height = op.x.dim(1), width = op.x.dim(2), channels = op.x.dim(3);
  const int64_t window = op.window, stride = op.stride, padding = op.padding;
  each(op, op.y.numel(), [=, out_height = op.y.dim(1), out_width = op.y.dim(2)] __device__(int64_t i) {
    const Pixel out(i, out_height, out_width, channels);
    A best = -HUGE_VALF;
    int64_t position = 0;
    for (int64_t k = 0; k < window * window; ++k) {
      const int64_t h = out.h * stride + k / window - padding, w = out.w * stride + k % window - padding;
      if (h < 0 || h >= height || w < 0 || w >= width) continue;
      const A candidate = at(x, ((out.n * height + h) * width + w) * channels + out.c);
      // A NaN counts as the maximum: it has to reach the loss to be noticed.
      if (candidate <= best || best != best) continue;
      best = candidate;
      position = k;
    }
    y[i] = static_cast<T>(best);
    positions[i] = static_cast<uint8_t>(position);
  });
}

// Each pixel checks the windows that contain it, in order, for those whose maximum it was.
template <class T>
void compute(const MaxPoolGradient& op) {
  using A = Arithmetic<T>;
  const T* dy = data<T>(op.dy);
  const auto* positions = data<uint8_t>(op.positions);
  T* dx = mutable_data<T>(op.dx);
  const int64_t height = op.dx.dim(1), width = op.dx.dim(2), channels = op.dx.dim(3);
  const int64_t out_height = op.dy.dim(1), out_width = op.dy.dim(2);
  const int64_t window = op.window, stride = op.stride, padding = op.padding;
  each(op, op.dx.numel(), [=] __device__(int64_t i) {
    const Pixel in(i, height, width, channels);
    const auto first = [=](int64_t p) { return p + padding < window ? 0 : (p + padding - window) / stride + 1; };
    A sum = 0;
    for (int64_t h = first(in.h); h < out_height && h * stride <= in.h + padding; ++h)
      for (int64_t w = first(in.w); w < out_width && w * stride <= in.w + padding; ++w) {
        const int64_t position = (in.h + padding - h * stride) * window + in.w + padding - w * stride;
        const int64_t o = ((in.n * out_height + h) * out_width + w) * channels + in.c;
        if (positions[o] == position) sum += at(dy, o);
      }
    dx[i] = static_cast<T>(sum);
  });
}

// Features are float32 (float64 for float64), whatever the type of the images.
template <class T>
void compute(const GlobalAveragePool& op) {
  using A = Arithmetic<T>;
  const T* x = data<T>(op.x);
  A* y = mutable_data<A>(op.y);
  each(op, op.y.numel(), [=, pixels = op.x.dim(1) * op.x.dim(2), channels = op.x.dim(3)] __device__(int64_t i) {
    const T* image = x + i / channels * pixels * channels + i % channels;
    A sum = 0;
    for (int64_t p = 0; p < pixels; ++p) sum += at(image, p * channels);
    y[i] = sum / static_cast<A>(pixels);
  });
}

template <class T>
void compute(const GlobalAveragePoolGradient& op) {
  using A = Arithmetic<T>;
  const A* dy = data<A>(op.dy);
  T* dx = mutable_data<T>(op.dx);
  each(op, op.dx.numel(), [=, pixels = op.dx.dim(1) * op.dx.dim(2), channels = op.dx.dim(3)] __device__(int64_t i) {
    dx[i] = static_cast<T>(dy[i / channels / pixels * channels + i % channels] / static_cast<A>(pixels));
  });
}

template <class Op>
void by_type_of(const Tensor& images, const Op& op) {
  visit_floating(images.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const MaxPool& op) { by_type_of(op.x, op); }
void kernel(Cuda, const MaxPoolGradient& op) { by_type_of(op.dx, op); }
void kernel(Cuda, const GlobalAveragePool& op) { by_type_of(op.x, op); }
void kernel(Cuda, const GlobalAveragePoolGradient& op) { by_type_of(op.dx, op); }

}  // namespace minissl::ops
