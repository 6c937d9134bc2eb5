#pragma once
#include "tensor/memory.h"

namespace minissl {

/// The device memory of the tensors inside CUDA graphs. A graph writes to the same addresses whenever it is launched,
/// so that memory must not be used for anything else while the graph lives. It comes from the device's usual
/// allocator, and so a step takes no more memory as a graph than operation by operation: operations reuse memory in a
/// recording as they do outside, and the memory they used stays reserved after it. Graphs launched one after another
/// can share it.
class GraphMemory {
 public:
  explicit GraphMemory(Device device) : device_(device) {}
  ~GraphMemory() { allocator(device_).release(held_); }
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;

  Device device() const { return device_; }

  /// While it lives, whatever this thread allocates on the device becomes memory of the graphs.
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
