#include "tensor/convolution/pointwise.h"

#include "tensor/matrix_product.h"

namespace minissl::pointwise {
namespace {

int64_t pixels(const ConvolutionShapes& s) { return s.x[0] * s.x[1] * s.x[2]; }

MatrixProduct forward_product(const ConvolutionShapes& s) {
  return MatrixProduct({.m = pixels(s), .n = s.w[0], .k = s.w[3], .transpose_b = true});
}
MatrixProduct input_gradient_product(const ConvolutionShapes& s) {
  return MatrixProduct({.m = pixels(s), .n = s.w[3], .k = s.w[0]});
}
MatrixProduct weight_gradient_product(const ConvolutionShapes& s) {
  return MatrixProduct({.m = s.w[0], .n = s.w[3], .k = pixels(s), .transpose_a = true});
}

void forward(const ConvolutionShapes& s, const float* images, const float* weights, float* out, const Finish& finish) {
  forward_product(s).run({images, s.w[3]}, {weights, s.w[3]}, out, s.w[0], {}, finish);
}

void input_gradient(const ConvolutionShapes& s, const float* dy, const float* weights, float* dx) {
  input_gradient_product(s).run({dy, s.w[0]}, {weights, s.w[3]}, dx, s.w[3]);
}

void weight_gradient(const ConvolutionShapes& s, const float* dy, const float* images, float* dw) {
  weight_gradient_product(s).run({dy, s.w[0]}, {images, s.w[3]}, dw, s.w[3]);
}

bool applies(const ConvolutionShapes& s) { return s.w[1] * s.w[2] == 1 && s.stride == 1 && s.padding == 0; }

int64_t forward_bytes(const ConvolutionShapes& s) { return 4 * forward_product(s).floats(); }
int64_t input_gradient_bytes(const ConvolutionShapes& s) { return 4 * input_gradient_product(s).floats(); }
int64_t weight_gradient_bytes(const ConvolutionShapes& s) { return 4 * weight_gradient_product(s).floats(); }

}  // namespace

constinit const Way way{
    "matrix product",     applies, forward, input_gradient, weight_gradient, forward_bytes, input_gradient_bytes,
    weight_gradient_bytes};

}  // namespace minissl::pointwise
