#pragma once
#include "tensor/shape.h"

/// Convolutions with a stride as products of matrices whose rows are gathered as they are needed ("implicit GEMM"), on
/// plain float32 pointers. Winograd's filtering is for stride 1 only, and oneDNN is at a third to a half of the
/// machine's speed here. Images x are (N, H, W, I), weights w (O, KH, KW, I), outputs y (N, OH, OW, O). The same bits
/// on any number of threads.
namespace minissl::implicit_gemm {

/// Whether there is a stride, and the channels fill vectors.
bool applies(const Shape& w, int64_t stride);

void convolution(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding, const float* images,
                 const float* weights, float* out);
void convolution_input_gradient(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding,
                                const float* dy, const float* weights, float* dx);
void convolution_weight_gradient(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding,
                                 const float* dy, const float* images, float* dw);

/// Bytes of workspace that each takes while it runs.
int64_t convolution_bytes(const Shape& w, const Shape& y);
int64_t convolution_input_gradient_bytes(const Shape& x, const Shape& w, int64_t stride);
int64_t convolution_weight_gradient_bytes(const Shape& w);

}  // namespace minissl::implicit_gemm
