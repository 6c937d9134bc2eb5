#pragma once
#include <cstddef>

#include "tensor/device.h"

struct CUevent_st;  // what the runtime's cudaEvent_t points to

namespace minissl::cuda {

/// Page-locked memory of the host, which a device can read and write while the host goes on.
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

/// A point in the order of a device's work.
class Marker {
 public:
  explicit Marker(Device device);
  ~Marker();
  Marker(const Marker&) = delete;
  Marker& operator=(const Marker&) = delete;

  /// Moves it to the end of all work requested so far.
  void set();
  /// Whether the device has reached it; true before the first set().
  bool reached() const;
  /// Returns when it has. Throws Error if work before that point failed.
  void wait() const;

 private:
  Device device_;
  CUevent_st* event_ = nullptr;
};

}  // namespace minissl::cuda
