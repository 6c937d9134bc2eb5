#pragma once
#include <cstdint>

namespace minissl {

/// Applied to sums of products in float32 while they are in the caches: y = relu(sum + bias + residual); internal.
struct Finish {
  const float* bias = nullptr;      ///< one number for each channel, y's last dimension; null: none
  const float* residual = nullptr;  ///< laid out as y; null: none
  bool relu = false;

  explicit operator bool() const { return bias != nullptr || residual != nullptr || relu; }

  /// For the part of y that begins with element `at` and channel 0.
  Finish from(int64_t at) const { return {bias, residual != nullptr ? residual + at : nullptr, relu}; }

  /// Finishes y[at, at + count): channels [channel, channel + count) of one pixel.
  void apply(float* y, int64_t at, int64_t channel, int64_t count) const {
    float* to = y + at;
    const float* added = bias != nullptr ? bias + channel : nullptr;
    const float* more = residual != nullptr ? residual + at : nullptr;
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) {
      float value = to[i];
      if (added != nullptr) value += added[i];
      if (more != nullptr) value += more[i];
      to[i] = relu && value < 0 ? 0 : value;  // a NaN must stay to be seen
    }
  }
};

}  // namespace minissl
