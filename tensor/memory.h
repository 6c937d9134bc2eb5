#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tensor/device.h"
#include "tensor/error.h"

namespace minissl {

/// What a block of memory is for. Every byte that a tensor owns has one of these.
enum class MemoryTag : uint8_t { parameter, gradient, optimizer, saved, recomputed, workspace, queue, data };
inline constexpr int memory_tag_count = 8;
const char* name_of(MemoryTag tag);

/// While it lives, tensors made by this thread are tagged `tag`. Without one they are `workspace`.
class TagScope {
 public:
  explicit TagScope(MemoryTag tag);
  ~TagScope();
  TagScope(const TagScope&) = delete;
  TagScope& operator=(const TagScope&) = delete;
  static MemoryTag current();

 private:
  MemoryTag previous_;
};

/// Bytes in use on a device, as tensors asked for them (rounded up to 64).
struct MemoryUsage {
  int64_t live = 0;      ///< now
  int64_t peak = 0;      ///< the most since reset_peak()
  int64_t reserved = 0;  ///< taken from the system, cached blocks included
  std::array<int64_t, memory_tag_count> live_by_tag{};
  std::array<int64_t, memory_tag_count> peak_by_tag{};     ///< each tag's own maximum
  std::array<int64_t, memory_tag_count> at_peak_by_tag{};  ///< the parts of `peak`

  /// "1.2 GiB at peak: saved 800 MiB, parameter 90 MiB, ..."
  std::string str() const;
};

/// There is no memory left. The message names the tag and the amount.
class OutOfMemory : public Error {
 public:
  OutOfMemory(const std::string& message, int64_t available) : Error(message), available_(available) {}
  /// Bytes that the allocator has from the system, cached ones included.
  int64_t available() const { return available_; }

 private:
  int64_t available_;
};

/// Memory that recorded work keeps using (tensor/graph_memory.h): pieces of an allocator's memory, by address and size.
using HeldMemory = std::vector<std::pair<std::byte*, size_t>>;

/// A caching allocator: one per device. Memory taken from the system is kept and reused (best fit, split and merged),
/// so from the second training step on nothing is allocated and there are no page faults.
class Allocator {
 public:
  virtual ~Allocator() = default;
  /// At least `bytes` bytes, aligned to 64. Throws OutOfMemory when there is no memory left.
  virtual std::byte* allocate(size_t bytes, MemoryTag tag) = 0;
  virtual void deallocate(std::byte* block) noexcept = 0;
  /// From now on `block` counts under `tag`.
  virtual void retag(std::byte* block, MemoryTag tag) = 0;
  virtual MemoryUsage usage() const = 0;
  /// Returns unused segments to the system.
  virtual void release_cached() = 0;
  virtual void reset_peak() = 0;

  /// From here to end_recording() this thread's work is recorded, to be repeated later. It may also use memory that is
  /// `held` for earlier recordings. Meanwhile other threads wait in allocate(): they must not get memory that the
  /// recording has used and freed.
  virtual void begin_recording(const HeldMemory& held) = 0;
  struct Recorded {
    HeldMemory held;   ///< all that the recording used; not allocated again before release()
    int64_t left = 0;  ///< bytes that it allocated and that are still live
  };
  virtual Recorded end_recording() noexcept = 0;
  /// Frees held memory, once the recorded work will not be launched again.
  virtual void release(const HeldMemory& held) noexcept = 0;
};

/// The allocator of a device. Throws Error for a device that this build or machine lacks.
Allocator& allocator(Device device = {});

/// For tests: new blocks are filled with NaN patterns and fenced by guard bytes on both sides.
struct MemoryChecks {
  static void enable(bool on);
  /// Blocks whose guard bytes were found overwritten when they were freed, since the last call.
  static int64_t take_violations();
};

/// "22.0 GiB", "512 MiB", "96 B"
std::string format_bytes(int64_t bytes);

}  // namespace minissl
