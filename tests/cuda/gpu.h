#pragma once
#include <gtest/gtest.h>

#include "tensor/cuda/device.h"

/// Skips a test if there is no GPU, and says why.
#define MINISSL_NEEDS_GPU() \
  if (minissl::cuda::device_count() == 0) GTEST_SKIP() << minissl::cuda::why_none()

namespace minissl {
inline constexpr Device gpu{DeviceType::cuda, 0};

/// The networks' ResNetOptions::width: narrow on the simulator, whose step time grows with the number of weights.
#ifdef MINISSL_SIMULATED_GPU
inline constexpr int64_t network_width = 16;
#else
inline constexpr int64_t network_width = 64;
#endif
}  // namespace minissl
