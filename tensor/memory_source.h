#pragma once
#include <cstddef>
#include <memory>

#include "tensor/device.h"

namespace minissl {

/// Sanitizers notice writes out of bounds only if every block comes from the C library.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// Where an allocator's memory comes from and how its bytes are touched; internal to tensor/. One kind per kind of
/// device. `take` gives memory aligned to 64 bytes, or null when there is none left.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  virtual std::byte* take(size_t bytes) = 0;
  /// Whether an allocator takes each block by itself and gives it back when it is freed.
  virtual bool block_by_block() const { return sanitized; }
  /// Adds `bytes` directly after memory that ends at `end`; false where that is not possible.
  virtual bool extend(std::byte* /*end*/, size_t /*bytes*/) { return false; }
  virtual void give_back(std::byte* memory, size_t bytes) noexcept = 0;
  virtual void fill(std::byte* begin, std::byte value, size_t bytes) = 0;
  /// Whether all of these bytes are `value`.
  virtual bool holds(const std::byte* begin, std::byte value, size_t bytes) = 0;
};

/// Throws Error for a device that this build or machine lacks.
std::unique_ptr<MemorySource> memory_source(Device device);

}  // namespace minissl
