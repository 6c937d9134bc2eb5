#include "tensor/memory_source.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

#include "tensor/cuda/device.h"

namespace minissl {
namespace {

bool all_are(const std::byte* begin, std::byte value, size_t bytes) {
  return std::all_of(begin, begin + bytes, [value](std::byte b) { return b == value; });
}

/// Huge pages of the process. Segments begin at addresses that leave room to grow: one large segment wastes less memory
/// than many small ones.
class HostMemory final : public MemorySource {
 public:
  std::byte* take(size_t bytes) override {
    if (sanitized) return static_cast<std::byte*>(std::aligned_alloc(64, bytes));
    // One page more, so that the memory can begin on a huge page.
    void* raw = mmap(next_, bytes + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return nullptr;
    if (raw == next_) next_ += room;
    auto* begin = static_cast<std::byte*>(raw);
    const size_t before = (huge_page - reinterpret_cast<uintptr_t>(raw) % huge_page) % huge_page;
    if (before > 0) munmap(begin, before);
    munmap(begin + before + bytes, huge_page - before);
    madvise(begin + before, bytes, MADV_HUGEPAGE);
    return begin + before;
  }
  bool extend(std::byte* end, size_t bytes) override {
    void* raw = mmap(end, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (raw == MAP_FAILED) return false;
    if (raw != end) {  // before Linux 4.17 the address is only a hint
      munmap(raw, bytes);
      return false;
    }
    madvise(raw, bytes, MADV_HUGEPAGE);
    return true;
  }
  void give_back(std::byte* memory, size_t bytes) noexcept override {
    if (sanitized)
      std::free(memory);
    else
      munmap(memory, bytes);
  }
  void fill(std::byte* begin, std::byte value, size_t bytes) override {
    std::memset(begin, static_cast<int>(value), bytes);
  }
  bool holds(const std::byte* begin, std::byte value, size_t bytes) override { return all_are(begin, value, bytes); }

 private:
  static constexpr size_t huge_page = size_t{2} << 20;
  static constexpr uintptr_t room = uintptr_t{1} << 42;
  // The preferred beginning of the next segment. If it is taken, the system chooses another address.
  std::byte* next_ = reinterpret_cast<std::byte*>(4 * room);
};

}  // namespace

std::unique_ptr<MemorySource> memory_source(Device device) {
  if (device.type == DeviceType::cuda) return cuda::memory_source(device);
  return std::make_unique<HostMemory>();
}

}  // namespace minissl
