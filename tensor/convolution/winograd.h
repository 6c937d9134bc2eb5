#pragma once
#include "tensor/convolution/way.h"

/// Convolutions of 3x3 kernels at stride 1 with padding 1 by Winograd's minimal filtering (simd/winograd_forms.h), with
/// a quarter of direct convolution's multiplications. Gives the same bits on any number of threads.
///
/// Rounding errors with 256 channels, as root mean squares relative to the results: 1.6e-6 for outputs and 8e-7 for
/// both gradients; direct convolution has 8e-7, 4e-7 and 2e-7.
namespace minissl::winograd {

/// Turns it on (the default) or off for the whole process: applies() is false then.
void enable(bool on);
bool enabled();

/// Whether a convolution has this geometry, channels that fill vectors, and maps so large that it saves work.
bool applies(const Shape& x, const Shape& w, int64_t stride, int64_t padding);

extern const Way way;

}  // namespace minissl::winograd
