#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tensor/memory.h"

namespace minissl {

/// While it lives, this thread's tensors have no memory and its operations compute nothing: the code that trains shows
/// how much memory and arithmetic it would need. Tensors are laid out by the same allocator as real ones, at addresses
/// that are never touched, so the peaks are those of a real run, to the byte.
///
/// Small tensors (up to small_tensor bytes) do have elements, all zero unless the host writes them: code may read
/// losses, counters and permutations. Reading a larger tensor throws Error. A tensor above 16 TiB is OutOfMemory, as on
/// any machine.
/// Tensors that were made in a dry run must not outlive it.
class DryRun {
 public:
  static constexpr size_t small_tensor = size_t{256} << 10;

  /// Something that happened, in order: an operation, or a mark.
  struct Event {
    const char* operation;
    int64_t live;                                  ///< bytes in use during it, its workspace included
    std::array<int64_t, memory_tag_count> by_tag;  ///< the parts of `live`
    double flops;                                  ///< multiplications and additions by definition
    int part;                                      ///< as label_part() was told
    bool backward;
  };

  /// `device` is the one whose memory is reported; that of other devices is counted separately.
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
  /// The operations that follow belong to this part of the network, forward or backward; -1: to none.
  void label(int part, bool backward);
  const std::vector<Event>& events() const { return events_; }
  void clear_events() { events_.clear(); }
  double flops() const;

 private:
  Device device_;
  std::array<std::unique_ptr<Allocator>, 2> allocators_;  // for the CPU and for GPUs
  std::vector<Event> events_;
  int part_ = -1;
  bool backward_ = false;
  DryRun* previous_;
  static inline thread_local DryRun* active_ = nullptr;
};

}  // namespace minissl
