#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tensor/memory.h"

namespace minissl {

/// While it lives, this thread's tensors are imaginary and its operations compute nothing: the code that trains tells
/// what it would need of memory and arithmetic. Tensors are laid out by the allocator of real ones, in addresses that
/// are never touched, so the peaks are those of the real thing, to the byte.
///
/// Small tensors (up to small_tensor bytes) have elements, all zero until written outside operations: what code
/// reads from the host (losses, counters, permutations) is there. Reading a larger one throws Error.
/// Tensors that were made in a dry run must not outlive it.
class DryRun {
 public:
  static constexpr size_t small_tensor = size_t{256} << 10;

  /// Something that happened, in order: an operation, or the beginning of something that was marked.
  struct Event {
    const char* operation;
    int64_t live;                                  ///< bytes in use during it, its workspace included
    std::array<int64_t, memory_tag_count> by_tag;  ///< the parts of `live`
    double flops;                                  ///< multiplications and additions by definition
    int part;                                      ///< as label_part() was told
    bool backward;
  };

  /// `device` is the one whose memory is looked at; what is on others is counted apart.
  explicit DryRun(Device device = {});
  ~DryRun();
  DryRun(const DryRun&) = delete;
  DryRun& operator=(const DryRun&) = delete;
  static DryRun* active() { return active_; }

  Device device() const { return device_; }
  Allocator& allocator() { return allocator(device_); }
  Allocator& allocator(Device device) { return *allocators_[static_cast<size_t>(device.type)]; }
  MemoryUsage usage() const { return allocators_[static_cast<size_t>(device_.type)]->usage(); }

  void add(const char* operation, double flops, int64_t workspace_bytes);
  /// Operations from now on belong to this part of the network, forward or backward; -1: to none.
  void label(int part, bool backward);
  const std::vector<Event>& events() const { return events_; }
  void clear_events() { events_.clear(); }
  double flops() const;

 private:
  Device device_;
  std::array<std::unique_ptr<Allocator>, 2> allocators_;  // of the CPU and of GPUs
  std::vector<Event> events_;
  int part_ = -1;
  bool backward_ = false;
  DryRun* previous_;
  static inline thread_local DryRun* active_ = nullptr;
};

}  // namespace minissl
