#pragma once
#include "tensor/memory.h"

namespace minissl {

/// The memory of a device that the tensors within CUDA graphs live in: a graph writes to the same addresses whenever it
/// is launched, so they are nobody else's as long as it lives. It is the device's own: work that is recorded allocates
/// as the same work does that isn't, and what it used is held when it ends. Hence a step takes no more memory as a
/// graph than operation by operation. Graphs that are launched one after the other can share it.
class GraphMemory {
 public:
  explicit GraphMemory(Device device) : device_(device) {}
  ~GraphMemory() { allocator(device_).release(held_); }
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;

  Device device() const { return device_; }

  /// While it lives, what this thread allocates on the device becomes the graphs' memory.
  class Recording {
   public:
    explicit Recording(GraphMemory& memory) : memory_(memory) {
      allocator(memory.device_).begin_recording(std::exchange(memory.held_, {}));
    }
    ~Recording() {
      if (!ended_) end();
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

    /// Bytes that were allocated and are still in use.
    int64_t end() {
      ended_ = true;
      Allocator::Recorded recorded = allocator(memory_.device_).end_recording();
      memory_.held_ = std::move(recorded.held);
      return recorded.left;
    }

   private:
    GraphMemory& memory_;
    bool ended_ = false;
  };

 private:
  Device device_;
  HeldMemory held_;
};

}  // namespace minissl
