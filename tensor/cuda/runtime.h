#pragma once
#include <cuda_runtime.h>
#include <map>
#include <mutex>

#include "tensor/device.h"
#include "tensor/error.h"

/// The CUDA runtime as this backend uses it; internal. Each device has one stream, in which all its work is done in
/// order: memory that the host frees can be reused at once, because the work that reuses it comes later.
namespace minissl::cuda {

/// Throws Error, naming what was tried, unless the call succeeded.
inline void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) [[unlikely]]
    fail("CUDA: {}: {}", what, cudaGetErrorString(status));
}

/// Makes the device this thread's current one and returns its stream. Throws Error where there is no such device.
cudaStream_t stream(Device device);

/// The one Library(device) of each device, made when it is first used, while the device is the thread's current one. It
/// is never destroyed: at the end of the process the driver may already be gone.
template <class Library>
Library& library_on(Device device) {
  static std::mutex mutex;
  static auto& libraries = *new std::map<int, Library>;
  const std::lock_guard lock(mutex);
  stream(device);
  return libraries.try_emplace(device.index, device).first->second;
}

/// Device memory for the partial results of reductions, one per device, not from the allocator. A reduction holds it
/// while it launches its kernels.
class Scratch {
 public:
  static constexpr int64_t bytes = int64_t{4} << 20;

  explicit Scratch(Device device);

  template <class T>
  T* as() const {
    return static_cast<T*>(memory_);
  }

 private:
  std::unique_lock<std::mutex> lock_;
  void* memory_;
};

}  // namespace minissl::cuda
