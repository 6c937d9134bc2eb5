#pragma once
#include <memory>

#include "tensor/memory.h"

namespace minissl {

/// The memory of a device that the tensors within CUDA graphs live in: a graph writes to the same addresses whenever it
/// is launched, so they are nobody else's as long as it lives. It is taken from the device's allocator and goes back
/// there in the end. Graphs that are launched one after the other can share it.
class GraphMemory {
 public:
  explicit GraphMemory(Device device);
  ~GraphMemory();
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;

  Device device() const { return device_; }
  MemoryUsage usage() const { return allocator_->usage(); }

  /// While it lives, tensors that this thread makes on the device are in this memory.
  class Scope {
   public:
    explicit Scope(GraphMemory& memory) : previous_(active_) { active_ = &memory; }
    ~Scope() { active_ = previous_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    GraphMemory* previous_;
  };
  /// The allocator of the scope that this thread is in; null where there is none for the device.
  static Allocator* active(Device device) {
    return active_ && active_->device_ == device ? active_->allocator_.get() : nullptr;
  }

 private:
  Device device_;
  std::unique_ptr<Allocator> allocator_;
  static inline thread_local GraphMemory* active_ = nullptr;
};

}  // namespace minissl
