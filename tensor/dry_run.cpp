#include "tensor/dry_run.h"

#include "tensor/caching_allocator.h"
#include "tensor/error.h"

namespace minissl {
namespace {

/// Addresses without memory, with room for each segment to grow: 16 TiB, more than any machine has.
class ImaginaryMemory final : public MemorySource {
 public:
  std::byte* take(size_t bytes) override { return bytes <= room ? std::exchange(next_, next_ + room) : nullptr; }
  // So that a sanitizer build predicts the same memory.
  bool block_by_block() const override { return false; }
  bool extend(std::byte* end, size_t bytes) override {
    const uintptr_t used = (reinterpret_cast<uintptr_t>(end) - 1) % room + 1;
    return bytes <= room - used;
  }
  void give_back(std::byte*, size_t) noexcept override {}
  void fill(std::byte*, std::byte, size_t) override {}
  bool holds(const std::byte*, std::byte, size_t) override { return true; }

 private:
  static constexpr uintptr_t room = uintptr_t{1} << 44;
  std::byte* next_ = reinterpret_cast<std::byte*>(room);
};

}  // namespace

DryRun::DryRun(Device device) : device_(device), previous_(active_) {
  for (auto& allocator : allocators_)
    allocator = std::make_unique<CachingAllocator>("a dry run", std::make_unique<ImaginaryMemory>());
  active_ = this;
}

DryRun::~DryRun() { active_ = previous_; }

void DryRun::add(const char* operation, double flops, int64_t workspace_bytes) {
  std::byte* workspace =
      workspace_bytes > 0 ? allocator().allocate(static_cast<size_t>(workspace_bytes), MemoryTag::workspace) : nullptr;
  const MemoryUsage now = usage();
  events_.push_back({operation, now.live, now.live_by_tag, flops, part_, backward_});
  if (workspace) allocator().deallocate(workspace);
}

void DryRun::label(int part, bool backward) {
  part_ = part;
  backward_ = backward;
}

double DryRun::flops() const {
  double sum = 0;
  for (const Event& e : events_) sum += e.flops;
  return sum;
}

}  // namespace minissl
