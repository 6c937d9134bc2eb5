#pragma once

namespace minissl::tf32 {

/// Whether f32 convolutions and matrix products may round their factors to 10 bits of mantissa, which makes tensor
/// cores eight times as fast; off unless asked for (--tf32 on). For GPUs only.
void enable(bool on);
bool enabled();

}  // namespace minissl::tf32
