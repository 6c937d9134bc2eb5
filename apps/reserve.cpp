#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

/// Memory for ending the program. Some library code allocates memory where it can't throw an exception, such as the
/// destructors of nlohmann::json. If the system has no more, that would end the program without a message. So small
/// requests are then met from a reserve. When half of it is used, one request fails, and the other half serves the
/// destructors and the message that follow; that is none for a short string, as noexcept functions make them. Large
/// requests (tensors, files) always fail at once.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {

constexpr size_t reserved = size_t{4} << 20, largest = size_t{64} << 10, short_string = 256;
alignas(64) std::byte reserve[reserved];
std::atomic<size_t> used{0};
std::atomic<bool> failed{false};

bool is_reserved(const void* memory) {
  const auto address = reinterpret_cast<uintptr_t>(memory), begin = reinterpret_cast<uintptr_t>(reserve);
  return address >= begin && address < begin + reserved;
}

/// Null if there is none. What is freed isn't used again.
void* take_reserved(size_t bytes, size_t alignment) {
  if (bytes > largest || alignment > 64) return nullptr;
  const size_t size = (std::max<size_t>(bytes, 1) + 63) / 64 * 64, begin = used.fetch_add(size);
  if (begin >= reserved / 2 && bytes > short_string && !failed.exchange(true)) return nullptr;
  return begin + size <= reserved ? reserve + begin : nullptr;
}

void* allocate(size_t bytes, size_t alignment, void* memory) {
  if (!memory) memory = take_reserved(bytes, alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The other forms call these.
void* operator new(size_t bytes) {
  return allocate(bytes, alignof(std::max_align_t), std::malloc(std::max<size_t>(bytes, 1)));
}

void* operator new(size_t bytes, std::align_val_t alignment) {
  const auto to = static_cast<size_t>(alignment);
  const size_t size = (std::max<size_t>(bytes, 1) + to - 1) / to * to;
  return allocate(size, to, size < bytes ? nullptr : std::aligned_alloc(to, size));
}

void operator delete(void* memory) noexcept {
  if (!is_reserved(memory)) std::free(memory);
}

void operator delete(void* memory, size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { operator delete(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { operator delete(memory); }
#endif
