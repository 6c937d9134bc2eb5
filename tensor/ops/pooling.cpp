#include "tensor/ops/pooling.h"

#include <limits>
#include <vector>

#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

// Calls f(kh * window + kw, pixel in the image) for the pixels of the window at (oh, ow) that are not padding.
template <class Pool, class F>
void for_each_in_window(const Pool& op, const Shape& x, int64_t oh, int64_t ow, F&& f) {
  for (int64_t kh = 0; kh < op.window; ++kh)
    for (int64_t kw = 0; kw < op.window; ++kw) {
      const int64_t ih = oh * op.stride + kh - op.padding, iw = ow * op.stride + kw - op.padding;
      if (ih >= 0 && ih < x[1] && iw >= 0 && iw < x[2]) f(kh * op.window + kw, ih * x[2] + iw);
    }
}

// The maxima of `count` channels over the window at (oh, ow), and their positions: both stay in registers until the
// whole window has been read.
constexpr int64_t channels_at_once = 32, few_channels = 8;

template <class T, int64_t count>
void max_of_window(const MaxPool& op, const T* image, int64_t oh, int64_t ow, T* y, uint8_t* positions) {
  const Shape& in = op.x.shape();
  T best[count];
  int32_t best_position[count] = {};
  std::fill_n(best, count, -std::numeric_limits<T>::infinity());
  for_each_in_window(op, in, oh, ow, [&](int64_t position, int64_t pixel) {
    const T* candidate = image + pixel * in[3];
#pragma omp simd
    for (int64_t c = 0; c < count; ++c) {
      // A NaN counts as the maximum: it has to reach the loss to be noticed.
      const bool better = !(candidate[c] <= best[c]) && !(best[c] != best[c]);
      best[c] = better ? candidate[c] : best[c];
      best_position[c] = better ? static_cast<int32_t>(position) : best_position[c];
    }
  });
  for (int64_t c = 0; c < count; ++c) {
    y[c] = best[c];
    positions[c] = static_cast<uint8_t>(best_position[c]);
  }
}

template <class T>
void max_pool(const MaxPool& op, const T* image, int64_t n, T* y, uint8_t* positions) {
  const Shape& out = op.y.shape();
  const int64_t channels = out[3];
  for (int64_t oh = 0; oh < out[1]; ++oh)
    for (int64_t ow = 0; ow < out[2]; ++ow) {
      const int64_t at = ((n * out[1] + oh) * out[2] + ow) * channels;
      int64_t c = 0;
      for (; c + channels_at_once <= channels; c += channels_at_once)
        max_of_window<T, channels_at_once>(op, image + c, oh, ow, y + at + c, positions + at + c);
      for (; c + few_channels <= channels; c += few_channels)
        max_of_window<T, few_channels>(op, image + c, oh, ow, y + at + c, positions + at + c);
      for (; c < channels; ++c) max_of_window<T, 1>(op, image + c, oh, ow, y + at + c, positions + at + c);
    }
}

template <class T>
void max_pool_gradient(const MaxPoolGradient& op, int64_t n, const T* dy, const uint8_t* positions, T* image) {
  const Shape &in = op.dx.shape(), &out = op.dy.shape();
  const int64_t channels = in[3];
  std::fill_n(image, in[1] * in[2] * channels, T{0});
  for (int64_t oh = 0; oh < out[1]; ++oh)
    for (int64_t ow = 0; ow < out[2]; ++ow) {
      const int64_t at = ((n * out[1] + oh) * out[2] + ow) * channels;
      for_each_in_window(op, in, oh, ow, [&](int64_t position, int64_t pixel) {
#pragma omp simd
        for (int64_t c = 0; c < channels; ++c)
          image[pixel * channels + c] += positions[at + c] == position ? dy[at + c] : T{0};
      });
    }
}

// Both backends of the CPU: the reference passes all images as `grain`, so that one thread does them all.
template <class T>
void max_pool_batch(const MaxPool& op, int64_t grain) {
  const int64_t image = op.x.numel() / op.x.dim(0);
  const T* x = op.x.data<T>();
  T* y = op.y.mutable_data<T>();
  auto* positions = op.positions.mutable_data<uint8_t>();
  parallel_for(op.x.dim(0), grain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) max_pool(op, x + n * image, n, y, positions);
  });
}

template <class T>
void max_pool_gradient_batch(const MaxPoolGradient& op, int64_t grain) {
  const int64_t image = op.dx.numel() / op.dx.dim(0);
  const T* dy = op.dy.data<T>();
  const auto* positions = op.positions.data<uint8_t>();
  T* dx = op.dx.mutable_data<T>();
  parallel_for(op.dx.dim(0), grain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) max_pool_gradient(op, n, dy, positions, dx + n * image);
  });
}

}  // namespace

void kernel(Reference, const MaxPool& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) { max_pool_batch<decltype(type)>(op, op.x.dim(0)); });
}

void kernel(Cpu, const MaxPool& op) { max_pool_batch<float>(op, 1); }

void kernel(Reference, const MaxPoolGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) { max_pool_gradient_batch<decltype(type)>(op, op.dx.dim(0)); });
}

void kernel(Cpu, const MaxPoolGradient& op) { max_pool_gradient_batch<float>(op, 1); }

void kernel(Reference, const GlobalAveragePool& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t pixels = op.x.dim(1) * op.x.dim(2), channels = op.x.dim(3);
    const T* x = op.x.data<T>();
    T* y = op.y.mutable_data<T>();
    std::fill_n(y, op.y.numel(), T{0});
    for (int64_t n = 0; n < op.x.dim(0); ++n) {
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t c = 0; c < channels; ++c) y[n * channels + c] += x[(n * pixels + p) * channels + c];
      for (int64_t c = 0; c < channels; ++c) y[n * channels + c] /= static_cast<T>(pixels);
    }
  });
}

void kernel(Reference, const GlobalAveragePoolGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t pixels = op.dx.dim(1) * op.dx.dim(2), channels = op.dx.dim(3);
    const T* dy = op.dy.data<T>();
    T* dx = op.dx.mutable_data<T>();
    for (int64_t n = 0; n < op.dx.dim(0); ++n)
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t c = 0; c < channels; ++c)
          dx[(n * pixels + p) * channels + c] = dy[n * channels + c] / static_cast<T>(pixels);
  });
}

}  // namespace minissl::ops
