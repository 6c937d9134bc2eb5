#pragma once
#include <cstddef>
#include <cstdint>

struct XXH3_state_s;

namespace minissl {

/// XXH3-64 (https://xxhash.com) of bytes that arrive in pieces. It finds accidental damage, not forgery.
class Checksum {
 public:
  Checksum();
  ~Checksum();
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;

  void add(const void* bytes, size_t count);
  /// Of all bytes so far.
  uint64_t value() const;

 private:
  XXH3_state_s* state_;
};

/// The same of bytes in one piece.
uint64_t checksum(const void* bytes, size_t count);

}  // namespace minissl
