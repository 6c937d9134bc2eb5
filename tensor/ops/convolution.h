#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// A kernel moves in steps of `stride` over images padded with `padding` zeros on each side.
struct ConvolutionGeometry {
  int64_t stride = 1;
  int64_t padding = 0;

  /// Extent of the output for an input and a kernel extent.
  int64_t output_extent(int64_t input, int64_t kernel) const { return (input + 2 * padding - kernel) / stride + 1; }
  /// Extent of the output of a transposed convolution: of the smallest image that a convolution takes to `input`.
  int64_t transposed_extent(int64_t input, int64_t kernel) const { return (input - 1) * stride - 2 * padding + kernel; }
};

/// Multiplications and additions of any direction, padding included.
inline double convolution_flops(const Shape& w, const Shape& y) {
  return 2 * static_cast<double>(y.numel()) * static_cast<double>(w[1] * w[2] * w[3]);
}

/// Applied to a convolution's sums in the same pass, in evaluation: y = relu(sum + bias + residual).
struct ConvolutionFinish {
  Tensor bias = {};      ///< (O), or undefined
  Tensor residual = {};  ///< like y, or undefined
  bool relu = false;
};

/// y[n,oh,ow,o] = sum over kh,kw,i of x[n, oh*stride+kh-padding, ow*stride+kw-padding, i] * w[o,kh,kw,i],
/// finished as ConvolutionFinish says. x (N, H, W, I), w (O, KH, KW, I), y (N, OH, OW, O).
struct Convolution {
  static constexpr const char* name = "convolution";
  Tensor x, w, y;
  ConvolutionGeometry geometry;
  Tensor bias = {}, residual = {};
  bool relu = false;
  const Tensor& dispatch() const { return x; }
  double flops() const { return convolution_flops(w.shape(), y.shape()); }
};
void kernel(Reference, const Convolution&);
void kernel(Cpu, const Convolution&);
void kernel(Cuda, const Convolution&);
int64_t workspace_bytes(Cpu, const Convolution&);
int64_t workspace_bytes(Cuda, const Convolution&);

/// Gradient with respect to x: dy (N, OH, OW, O), w (O, KH, KW, I), dx (N, H, W, I).
struct ConvolutionInputGradient {
  static constexpr const char* name = "convolution_input_gradient";
  Tensor dy, w, dx;
  ConvolutionGeometry geometry;
  const Tensor& dispatch() const { return dy; }
  double flops() const { return convolution_flops(w.shape(), dy.shape()); }
};
void kernel(Reference, const ConvolutionInputGradient&);
void kernel(Cpu, const ConvolutionInputGradient&);
void kernel(Cuda, const ConvolutionInputGradient&);
int64_t workspace_bytes(Cpu, const ConvolutionInputGradient&);
int64_t workspace_bytes(Cuda, const ConvolutionInputGradient&);

/// Gradient with respect to w: dy (N, OH, OW, O), x (N, H, W, I), dw (O, KH, KW, I).
struct ConvolutionWeightGradient {
  static constexpr const char* name = "convolution_weight_gradient";
  Tensor dy, x, dw;
  ConvolutionGeometry geometry;
  const Tensor& dispatch() const { return dy; }
  double flops() const { return convolution_flops(dw.shape(), dy.shape()); }
};
void kernel(Reference, const ConvolutionWeightGradient&);
void kernel(Cpu, const ConvolutionWeightGradient&);
void kernel(Cuda, const ConvolutionWeightGradient&);
int64_t workspace_bytes(Cpu, const ConvolutionWeightGradient&);
int64_t workspace_bytes(Cuda, const ConvolutionWeightGradient&);

/// These throw Error, with the shapes, when tensors do not fit each other or the geometry makes no sense.
Tensor convolution(const Tensor& x, const Tensor& w, ConvolutionGeometry geometry,
                   const ConvolutionFinish& finish = {});
Tensor convolution_input_gradient(const Tensor& dy, const Tensor& w, const Shape& x_shape,
                                  ConvolutionGeometry geometry);
Tensor convolution_weight_gradient(const Tensor& dy, const Tensor& x, const Shape& w_shape,
                                   ConvolutionGeometry geometry);

/// Transposed convolution, torch.nn.ConvTranspose2d without output padding or dilation: the input gradient of the
/// convolution with these weights and geometry, as an operation of its own. It adds each pixel of x, times the kernel,
/// to y, in steps of `stride`:
///   y[n, h*stride+kh-padding, w*stride+kw-padding, o] += x[n,h,w,i] * w[i,kh,kw,o].
/// x (N, H, W, I), w (I, KH, KW, O), y (N, OH, OW, O). The weights have the layout of that convolution, whose outputs
/// are I and whose inputs are O; PyTorch's are (I, O, KH, KW).
Tensor conv_transpose(const Tensor& x, const Tensor& w, ConvolutionGeometry geometry);

}  // namespace minissl::ops
