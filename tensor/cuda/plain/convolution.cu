#include "tensor/cuda/convolution_finish.h"
#include "tensor/cuda/launch.h"
#include "tensor/ops/convolution.h"

namespace minissl::ops {
namespace {

using namespace cuda;

// Extents of x (N, H, W, I), w (O, K, L, I) and y (N, P, Q, O).
struct Extents {
  int64_t height, width, in, kernel_height, kernel_width, out_height, out_width, out, stride, padding;
  Extents(const Shape& x, const Shape& w, const Shape& y, ConvolutionGeometry geometry)
      : height(x[1]),
        width(x[2]),
        in(x[3]),
        kernel_height(w[1]),
        kernel_width(w[2]),
        out_height(y[1]),
        out_width(y[2]),
        out(w[0]),
        stride(geometry.stride),
        padding(geometry.padding) {}
  MINISSL_HD int64_t x_index(int64_t n, int64_t h, int64_t w, int64_t i) const {
    return ((n * height + h) * width + w) * in + i;
  }
  MINISSL_HD int64_t w_index(int64_t o, int64_t k, int64_t l, int64_t i) const {
    return ((o * kernel_height + k) * kernel_width + l) * in + i;
  }
  MINISSL_HD int64_t y_index(int64_t n, int64_t p, int64_t q, int64_t o) const {
    return ((n * out_height + p) * out_width + q) * out + o;
  }
};

template <class T>
void compute(const Convolution& op) {
  const Extents s(op.x.shape(), op.w.shape(), op.y.shape(), op.geometry);
  const T *x = data<T>(op.x), *w = data<T>(op.w);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=] __device__(int64_t index) {
    const int64_t o = index % s.out, q = index / s.out % s.out_width, p = index / s.out / s.out_width % s.out_height,
                  n = index / s.out / s.out_width / s.out_height;
    Arithmetic<T> sum = 0;
    for (int64_t k = 0; k < s.kernel_height; ++k)
      for (int64_t l = 0; l < s.kernel_width; ++l) {
        const int64_t row = p * s.stride + k - s.padding, column = q * s.stride + l - s.padding;
        if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
        for (int64_t i = 0; i < s.in; ++i) sum += at(x, s.x_index(n, row, column, i)) * at(w, s.w_index(o, k, l, i));
      }
    y[index] = static_cast<T>(sum);
  });
}

template <class T>
void compute(const ConvolutionInputGradient& op) {
  const Extents s(op.dx.shape(), op.w.shape(), op.dy.shape(), op.geometry);
  const T *dy = data<T>(op.dy), *w = data<T>(op.w);
  T* dx = mutable_data<T>(op.dx);
  each(op, op.dx.numel(), [=] __device__(int64_t index) {
    const int64_t i = index % s.in, column = index / s.in % s.width, row = index / s.in / s.width % s.height,
                  n = index / s.in / s.width / s.height;
    Arithmetic<T> sum = 0;
    for (int64_t k = 0; k < s.kernel_height; ++k)
      for (int64_t l = 0; l < s.kernel_width; ++l) {
        const int64_t down = row + s.padding - k, across = column + s.padding - l;
        const int64_t p = down / s.stride, q = across / s.stride;
        if (down < 0 || across < 0 || down % s.stride || across % s.stride || p >= s.out_height || q >= s.out_width)
          continue;
        for (int64_t o = 0; o < s.out; ++o) sum += at(dy, s.y_index(n, p, q, o)) * at(w, s.w_index(o, k, l, i));
      }
    dx[index] = static_cast<T>(sum);
  });
}

template <class T>
void compute(const ConvolutionWeightGradient& op) {
  const Extents s(op.x.shape(), op.dw.shape(), op.dy.shape(), op.geometry);
  const T *dy = data<T>(op.dy), *x = data<T>(op.x);
  T* dw = mutable_data<T>(op.dw);
  each(op, op.dw.numel(), [=, images = op.x.dim(0)] __device__(int64_t index) {
    const int64_t i = index % s.in, l = index / s.in % s.kernel_width,
                  k = index / s.in / s.kernel_width % s.kernel_height,
                  o = index / s.in / s.kernel_width / s.kernel_height;
    Arithmetic<T> sum = 0;
    for (int64_t n = 0; n < images; ++n)
      for (int64_t p = 0; p < s.out_height; ++p)
        for (int64_t q = 0; q < s.out_width; ++q) {
          const int64_t row = p * s.stride + k - s.padding, column = q * s.stride + l - s.padding;
          if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
          sum += at(dy, s.y_index(n, p, q, o)) * at(x, s.x_index(n, row, column, i));
        }
    dw[index] = static_cast<T>(sum);
  });
}

}  // namespace

void kernel(Cuda, const Convolution& op) {
  visit_floating(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
  cuda::finish(op);
}
void kernel(Cuda, const ConvolutionInputGradient& op) {
  visit_floating(op.dy.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const ConvolutionWeightGradient& op) {
  visit_floating(op.dy.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

int64_t workspace_bytes(Cuda, const Convolution&) { return 0; }
int64_t workspace_bytes(Cuda, const ConvolutionInputGradient&) { return 0; }
int64_t workspace_bytes(Cuda, const ConvolutionWeightGradient&) { return 0; }

}  // namespace minissl::ops
