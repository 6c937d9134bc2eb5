#include "tensor/checksum.h"

#include <new>
#include <xxhash.h>

namespace minissl {

Checksum::Checksum() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc();
  XXH3_64bits_reset(state_);
}
Checksum::~Checksum() { XXH3_freeState(state_); }

void Checksum::add(const void* bytes, size_t count) { XXH3_64bits_update(state_, bytes, count); }
uint64_t Checksum::value() const { return XXH3_64bits_digest(state_); }

uint64_t checksum(const void* bytes, size_t count) { return XXH3_64bits(bytes, count); }

}  // namespace minissl
