#include "tensor/ops/convolution.h"

#include "tensor/convolution/way.h"
#include "tensor/eigen.h"

namespace minissl::ops {
namespace {

// Calls f for each output position (oh, ow) and kernel position (kh, kw) with the number of the patch, the element of
// the patch where the pixel's channels begin, and the pixel. Skips padding.
template <class F>
void for_each_patch_pixel(const Shape& x, const Shape& w, const Shape& y, ConvolutionGeometry geometry, F&& f) {
  for (int64_t oh = 0; oh < y[1]; ++oh)
    for (int64_t ow = 0; ow < y[2]; ++ow)
      for (int64_t kh = 0; kh < w[1]; ++kh)
        for (int64_t kw = 0; kw < w[2]; ++kw) {
          const int64_t ih = oh * geometry.stride + kh - geometry.padding;
          const int64_t iw = ow * geometry.stride + kw - geometry.padding;
          if (ih >= 0 && ih < x[1] && iw >= 0 && iw < x[2]) f(oh * y[2] + ow, (kh * w[2] + kw) * x[3], ih * x[2] + iw);
        }
}

// The patches of some images as the rows of a matrix (images * OH * OW, KH * KW * I), so that convolution is a matrix
// product.
template <class T>
void gather_patches(const T* images, int64_t count, const Shape& x, const Shape& w, const Shape& y,
                    ConvolutionGeometry geometry, Matrix<T>& patches) {
  patches.setZero(count * y[1] * y[2], w[1] * w[2] * w[3]);
  for (int64_t n = 0; n < count; ++n)
    for_each_patch_pixel(x, w, y, geometry, [&](int64_t patch, int64_t at, int64_t pixel) {
      std::copy_n(images + (n * x[1] * x[2] + pixel) * x[3], x[3], &patches(n * y[1] * y[2] + patch, at));
    });
}

// Calls f(first image, number of images) for groups of images that have 512 patches together, or for single images that
// have more. The weights of a network's last stages are larger than the caches; reading them once for each image, which
// has few patches there, would be slow.
template <class F>
void for_each_group(const Shape& x, const Shape& y, F&& f) {
  const int64_t group = std::max<int64_t>(1, 512 / (y[1] * y[2]));
  for (int64_t n = 0; n < x[0]; n += group) f(n, std::min(group, x[0] - n));
}

}  // namespace

void kernel(Reference, const Convolution& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const Shape &x = op.x.shape(), &w = op.w.shape(), &y = op.y.shape();
    const auto weights = matrix<T>(op.w, w[0], w[1] * w[2] * w[3]);
    T* out = op.y.mutable_data<T>();
    Matrix<T> patches;
    for_each_group(x, y, [&](int64_t n, int64_t count) {
      gather_patches(op.x.data<T>() + n * x[1] * x[2] * x[3], count, x, w, y, op.geometry, patches);
      MatrixMap<T>(out + n * y[1] * y[2] * y[3], count * y[1] * y[2], y[3]).noalias() = patches * weights.transpose();
    });
    const T* bias = op.bias.defined() ? op.bias.data<T>() : nullptr;
    const T* residual = op.residual.defined() ? op.residual.data<T>() : nullptr;
    if (bias || residual || op.relu)
      for (int64_t i = 0; i < y.numel(); ++i) {
        if (bias) out[i] += bias[i % y[3]];
        if (residual) out[i] += residual[i];
        if (op.relu && out[i] < 0) out[i] = 0;  // a NaN must stay to be seen
      }
  });
}

void kernel(Reference, const ConvolutionInputGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const Shape &x = op.dx.shape(), &w = op.w.shape(), &y = op.dy.shape();
    const auto weights = matrix<T>(op.w, w[0], w[1] * w[2] * w[3]);
    T* dx = op.dx.mutable_data<T>();
    std::fill_n(dx, x.numel(), T{0});
    Matrix<T> patches;
    for_each_group(x, y, [&](int64_t n, int64_t count) {
      patches.noalias() =
          ConstMatrixMap<T>(op.dy.data<T>() + n * y[1] * y[2] * y[3], count * y[1] * y[2], y[3]) * weights;
      for (int64_t i = 0; i < count; ++i)
        for_each_patch_pixel(x, w, y, op.geometry, [&](int64_t patch, int64_t at, int64_t pixel) {
          T* to = dx + ((n + i) * x[1] * x[2] + pixel) * x[3];
          const T* from = &patches(i * y[1] * y[2] + patch, at);
          for (int64_t c = 0; c < x[3]; ++c) to[c] += from[c];
        });
    });
  });
}

void kernel(Reference, const ConvolutionWeightGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const Shape &x = op.x.shape(), &w = op.dw.shape(), &y = op.dy.shape();
    auto dw = mutable_matrix<T>(op.dw, w[0], w[1] * w[2] * w[3]);
    dw.setZero();
    Matrix<T> patches;
    for_each_group(x, y, [&](int64_t n, int64_t count) {
      gather_patches(op.x.data<T>() + n * x[1] * x[2] * x[3], count, x, w, y, op.geometry, patches);
      dw.noalias() +=
          ConstMatrixMap<T>(op.dy.data<T>() + n * y[1] * y[2] * y[3], count * y[1] * y[2], y[3]).transpose() * patches;
    });
  });
}

namespace {

ConvolutionShapes shapes_of(const Tensor& x, const Tensor& w, const Tensor& y, ConvolutionGeometry geometry) {
  return {x.shape(), w.shape(), y.shape(), geometry.stride, geometry.padding};
}
ConvolutionShapes shapes_of(const Convolution& op) { return shapes_of(op.x, op.w, op.y, op.geometry); }
ConvolutionShapes shapes_of(const ConvolutionInputGradient& op) { return shapes_of(op.dx, op.w, op.dy, op.geometry); }
ConvolutionShapes shapes_of(const ConvolutionWeightGradient& op) { return shapes_of(op.x, op.dw, op.dy, op.geometry); }

}  // namespace

void kernel(Cpu, const Convolution& op) {
  const ConvolutionShapes shapes = shapes_of(op);
  const auto data = [](const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; };
  way_for(shapes).forward(shapes, op.x.data<float>(), op.w.data<float>(), op.y.mutable_data<float>(),
                          {data(op.bias), data(op.residual), op.relu});
}

void kernel(Cpu, const ConvolutionInputGradient& op) {
  const ConvolutionShapes shapes = shapes_of(op);
  way_for(shapes).input_gradient(shapes, op.dy.data<float>(), op.w.data<float>(), op.dx.mutable_data<float>());
}

void kernel(Cpu, const ConvolutionWeightGradient& op) {
  const ConvolutionShapes shapes = shapes_of(op);
  way_for(shapes).weight_gradient(shapes, op.dy.data<float>(), op.x.data<float>(), op.dw.mutable_data<float>());
}

int64_t workspace_bytes(Cpu, const Convolution& op) {
  const ConvolutionShapes shapes = shapes_of(op);
  return way_for(shapes).forward_bytes(shapes);
}

int64_t workspace_bytes(Cpu, const ConvolutionInputGradient& op) {
  const ConvolutionShapes shapes = shapes_of(op);
  return way_for(shapes).input_gradient_bytes(shapes);
}

int64_t workspace_bytes(Cpu, const ConvolutionWeightGradient& op) {
  const ConvolutionShapes shapes = shapes_of(op);
  return way_for(shapes).weight_gradient_bytes(shapes);
}

namespace {

// The output's shape. Throws Error when there is none.
Shape output_shape(const Shape& x, const Shape& w, ConvolutionGeometry geometry) {
  require(x.rank() == 4 && w.rank() == 4 && x[3] == w[3],
          "convolution: images {} (N, H, W, I) and weights {} (O, H, W, I) don't fit", x, w);
  require(geometry.stride > 0 && geometry.padding >= 0, "convolution: stride {} and padding {} make no sense",
          geometry.stride, geometry.padding);
  require(x[1] + 2 * geometry.padding >= w[1] && x[2] + 2 * geometry.padding >= w[2],
          "convolution: images {} are smaller than the kernel of {}", x, w);
  return {x[0], geometry.output_extent(x[1], w[1]), geometry.output_extent(x[2], w[2]), w[0]};
}

void require_output(const char* name, const Tensor& dy, const Shape& x, const Shape& w, ConvolutionGeometry geometry) {
  const Shape y = output_shape(x, w, geometry);
  require(dy.shape() == y, "{}: the output for images {} and weights {} is {}, not {}", name, x, w, y, dy);
}

}  // namespace

Tensor convolution(const Tensor& x, const Tensor& w, ConvolutionGeometry geometry, const ConvolutionFinish& finish) {
  const Shape y = output_shape(x.shape(), w.shape(), geometry);
  require(!finish.bias.defined() || finish.bias.shape() == Shape{y[3]},
          "convolution: bias {} for outputs {}; one number per channel is needed", finish.bias, y);
  require(!finish.residual.defined() || finish.residual.shape() == y,
          "convolution: residual {} for outputs {}; the shapes must agree", finish.residual, y);
  const Convolution op{.x = x,
                       .w = w,
                       .y = Tensor::empty(y, x.dtype(), x.device()),
                       .geometry = geometry,
                       .bias = finish.bias,
                       .residual = finish.residual,
                       .relu = finish.relu};
  run(op);
  return op.y;
}

Tensor convolution_input_gradient(const Tensor& dy, const Tensor& w, const Shape& x_shape,
                                  ConvolutionGeometry geometry) {
  require_output(ConvolutionInputGradient::name, dy, x_shape, w.shape(), geometry);
  ConvolutionInputGradient op{dy, w, Tensor::empty(x_shape, dy.dtype(), dy.device()), geometry};
  run(op);
  return op.dx;
}

Tensor convolution_weight_gradient(const Tensor& dy, const Tensor& x, const Shape& w_shape,
                                   ConvolutionGeometry geometry) {
  require_output(ConvolutionWeightGradient::name, dy, x.shape(), w_shape, geometry);
  ConvolutionWeightGradient op{dy, x, Tensor::empty(w_shape, dy.dtype(), dy.device()), geometry};
  run(op);
  return op.dw;
}

Tensor conv_transpose(const Tensor& x, const Tensor& w, ConvolutionGeometry geometry) {
  require(x.rank() == 4 && w.rank() == 4 && x.dim(3) == w.dim(0),
          "conv_transpose: images {} (N, H, W, I) and weights {} (I, KH, KW, O) don't fit", x, w);
  require(geometry.stride > 0 && geometry.padding >= 0, "conv_transpose: stride {} and padding {} make no sense",
          geometry.stride, geometry.padding);
  const int64_t height = geometry.transposed_extent(x.dim(1), w.dim(1));
  const int64_t width = geometry.transposed_extent(x.dim(2), w.dim(2));
  require(height > 0 && width > 0, "conv_transpose: a padding of {} leaves nothing of images {} and a kernel of {}",
          geometry.padding, x, w);
  return convolution_input_gradient(x, w, {x.dim(0), height, width, w.dim(3)}, geometry);
}

}  // namespace minissl::ops
