#pragma once
#include "tensor/shape.h"

/// Convolutions whose output is a single pixel, as in the last stage of a ResNet on images of 32 pixels, on plain
/// float32 pointers: each tap of the kernel that meets the image is a product of matrices as they lie in memory, and
/// the others have no part in it. Images are (N, H, W, I), weights (O, KH, KW, I), outputs (N, 1, 1, O).
///
/// oneDNN multiplies with the padding, too, eight of nine taps where the image is one pixel, and its weight gradient
/// for these shapes ran at 7 GFLOP/s on two AVX2 cores: half of a whole step.
namespace minissl::single_pixel {

/// Whether the output is one pixel and the kernel has several taps.
bool applies(const Shape& w, const Shape& y);

void convolution(const Shape& x, const Shape& w, int64_t padding, const float* images, const float* weights,
                 float* out);
void convolution_input_gradient(const Shape& x, const Shape& w, int64_t padding, const float* dy, const float* weights,
                                float* dx);
void convolution_weight_gradient(const Shape& x, const Shape& w, int64_t padding, const float* dy, const float* images,
                                 float* dw);

}  // namespace minissl::single_pixel
