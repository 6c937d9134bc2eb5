#include "tensor/graph_memory.h"

#include <vector>

#include "tensor/caching_allocator.h"

namespace minissl {
namespace {

/// Blocks of a device's allocator as the segments of another.
class BorrowedMemory final : public MemorySource {
 public:
  explicit BorrowedMemory(Device device) : lender_(allocator(device)), device_memory_(memory_source(device)) {}
  ~BorrowedMemory() override {
    for (std::byte* block : taken_) lender_.deallocate(block);
  }
  BorrowedMemory(const BorrowedMemory&) = delete;
  BorrowedMemory& operator=(const BorrowedMemory&) = delete;

  std::byte* take(size_t bytes) override { return taken_.emplace_back(lender_.allocate(bytes, MemoryTag::workspace)); }
  // A graph that was recorded goes on writing there.
  void give_back(std::byte*, size_t) noexcept override {}
  void fill(std::byte* begin, std::byte value, size_t bytes) override { device_memory_->fill(begin, value, bytes); }
  // While a graph is recorded there is nothing to see yet.
  bool holds(const std::byte*, std::byte, size_t) override { return true; }

 private:
  Allocator& lender_;
  std::unique_ptr<MemorySource> device_memory_;
  std::vector<std::byte*> taken_;
};

}  // namespace

GraphMemory::GraphMemory(Device device)
    : device_(device),
      allocator_(std::make_unique<CachingAllocator>("a CUDA graph on " + device.str(),
                                                    std::make_unique<BorrowedMemory>(device))) {}

// Where an error left tensors that look into it, it stays.
GraphMemory::~GraphMemory() {
  if (allocator_->usage().live > 0) static_cast<void>(allocator_.release());
}

}  // namespace minissl
