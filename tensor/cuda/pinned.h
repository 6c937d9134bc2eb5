#pragma once
#include <cstddef>

#include "tensor/device.h"

struct CUevent_st;  // what the runtime's cudaEvent_t points to

namespace minissl::cuda {

/// Page-locked memory of the host, which a device copies from and to while the host goes on.
class PinnedMemory {
 public:
  PinnedMemory(Device device, size_t bytes);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;
  std::byte* get() const { return memory_; }

 private:
  std::byte* memory_ = nullptr;
};

/// A place in the order of a device's work.
class Marker {
 public:
  explicit Marker(Device device);
  ~Marker();
  Marker(const Marker&) = delete;
  Marker& operator=(const Marker&) = delete;

  /// Behind all work that was asked for so far.
  void set();
  /// Whether the device has come there; true before the first set().
  bool reached() const;
  /// Returns once it has. Throws Error for what went wrong in the work before.
  void wait() const;

 private:
  Device device_;
  CUevent_st* event_ = nullptr;
};

}  // namespace minissl::cuda
