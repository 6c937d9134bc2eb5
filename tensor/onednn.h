#pragma once
#include "tensor/shape.h"

/// All that is used of oneDNN, on plain float32 pointers; only onednn.cpp knows the library (2.x and 3.x differ).
/// Images are (N, H, W, C), weights (O, KH, KW, I). Primitives are made once per shape and kept.
namespace minissl::onednn {

void convolution(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding, const float* images,
                 const float* weights, float* out);
void convolution_input_gradient(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding,
                                const float* dy, const float* weights, float* dx);
void convolution_weight_gradient(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding,
                                 const float* dy, const float* images, float* dw);

enum class Direction { forward, input_gradient, weight_gradient };
/// What a convolution takes for itself while it runs: oneDNN's scratchpad, and the weights in oneDNN's layout.
int64_t workspace_bytes(Direction direction, const Shape& x, const Shape& w, const Shape& y, int64_t stride,
                        int64_t padding);

/// A row-major matrix, its rows `stride` floats apart; the factor is its transpose where `transposed` says so.
struct Factor {
  const float* data;
  int64_t stride;
  bool transposed = false;
};

/// c (m, n) = a (m, k) b (k, n), or c += a b; rows of c are c_stride floats apart.
void matmul(int64_t m, int64_t n, int64_t k, Factor a, Factor b, float* c, int64_t c_stride, bool accumulate);

}  // namespace minissl::onednn
