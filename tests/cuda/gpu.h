#pragma once
#include <gtest/gtest.h>

#include "tensor/cuda/device.h"

/// Skips a test where there is no GPU, and says why.
#define MINISSL_NEEDS_GPU() \
  if (minissl::cuda::device_count() == 0) GTEST_SKIP() << minissl::cuda::why_none()

namespace minissl {
inline constexpr Device gpu{DeviceType::cuda, 0};
}
