#pragma once
#include <functional>

#include "tests/cuda/simulator/cuda_runtime.h"

namespace simulator {

/// Does the work, or adds it to the graph being captured from the stream.
cudaError_t work(cudaStream_t stream, std::function<void()> work);
bool capturing(cudaStream_t stream);
/// Invalidates the graph after a call that can't be captured. Returns the corresponding error.
cudaError_t invalidate(cudaStream_t stream);

}  // namespace simulator
