#pragma once
#include <functional>

#include "tests/cuda/simulator/cuda_runtime.h"

namespace simulator {

/// Does the work, or makes it part of the graph that is captured from the stream.
cudaError_t work(cudaStream_t stream, std::function<void()> work);
bool capturing(cudaStream_t stream);
/// Something was asked for that can't be captured: nothing comes of the graph. Returns the error that says so.
cudaError_t invalidate(cudaStream_t stream);

}  // namespace simulator
