#pragma once
#include <cstdint>

#include "data/augment_functions.h"

namespace minissl {

/// What sample_pixel() gives for each pixel of an output of (out_height, out_width, C), up to rounding; T is uint8_t or
/// float.
template <int C, class T>
void resample(const T* source, int height, int width, const InverseMap& map, int out_height, int out_width, float* out);

}  // namespace minissl
