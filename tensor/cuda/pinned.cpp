#include "tensor/cuda/pinned.h"

#include "tensor/cuda/runtime.h"

namespace minissl::cuda {

PinnedMemory::PinnedMemory(Device device, size_t bytes) {
  stream(device);
  void* memory = nullptr;
  check(cudaMallocHost(&memory, bytes), "cudaMallocHost");
  memory_ = static_cast<std::byte*>(memory);
}

PinnedMemory::~PinnedMemory() { cudaFreeHost(memory_); }

Marker::Marker(Device device) : device_(device) {
  stream(device);
  check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreate");
}

Marker::~Marker() { cudaEventDestroy(event_); }

void Marker::set() { check(cudaEventRecord(event_, stream(device_)), "cudaEventRecord"); }

bool Marker::reached() const {
  const cudaError_t status = cudaEventQuery(event_);
  if (status == cudaErrorNotReady) return false;
  check(status, "work on the device");
  return true;
}

void Marker::wait() const { check(cudaEventSynchronize(event_), "work on the device"); }

}  // namespace minissl::cuda
