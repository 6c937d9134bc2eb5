#pragma once
#include <gtest/gtest.h>

#include "tensor/cuda/device.h"

/// Skips a test where there is no GPU, and says why.
#define MINISSL_NEEDS_GPU() \
  if (minissl::cuda::device_count() == 0) GTEST_SKIP() << minissl::cuda::why_none()

/// Skips where the GPU is simulated what would take minutes there, and is done on a real one.
#ifdef MINISSL_SIMULATED_GPU
#define MINISSL_NEEDS_REAL_GPU() GTEST_SKIP() << "too slow on a simulated GPU"
#else
#define MINISSL_NEEDS_REAL_GPU() MINISSL_NEEDS_GPU()
#endif

namespace minissl {
inline constexpr Device gpu{DeviceType::cuda, 0};
}
