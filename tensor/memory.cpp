#include "tensor/memory.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "tensor/caching_allocator.h"
#include "tensor/dry_run.h"
#include "tensor/error.h"

namespace minissl {
namespace {

thread_local MemoryTag current_tag = MemoryTag::workspace;
std::atomic<bool> checks_enabled{false};
std::atomic<int64_t> guard_violations{0};

Allocator& gpu_allocator(Device device) {
  static std::mutex mutex;
  static auto& allocators = *new std::vector<std::unique_ptr<Allocator>>;
  const auto index = static_cast<size_t>(device.index);
  const std::lock_guard lock(mutex);
  if (allocators.size() <= index) allocators.resize(index + 1);
  if (!allocators[index]) allocators[index] = std::make_unique<CachingAllocator>(device.str(), memory_source(device));
  return *allocators[index];
}

}  // namespace

const char* name_of(MemoryTag tag) {
  static constexpr const char* names[memory_tag_count] = {"parameter",  "gradient",  "optimizer", "saved",
                                                          "recomputed", "workspace", "queue",     "data"};
  return names[static_cast<size_t>(tag)];
}

TagScope::TagScope(MemoryTag tag) : previous_(current_tag) { current_tag = tag; }
TagScope::~TagScope() { current_tag = previous_; }
MemoryTag TagScope::current() { return current_tag; }

std::string MemoryUsage::str() const {
  std::string text = format_bytes(peak) + " at peak";
  const char* separator = ": ";
  for (int t = 0; t < memory_tag_count; ++t)
    if (const int64_t bytes = at_peak_by_tag[static_cast<size_t>(t)]; bytes > 0) {
      text += fmt::format("{}{} {}", separator, name_of(static_cast<MemoryTag>(t)), format_bytes(bytes));
      separator = ", ";
    }
  return text;
}

Allocator& allocator(Device device) {
  if (DryRun* dry_run = DryRun::active()) return dry_run->allocator(device);
  // Never destroyed: tensors in static objects may outlive them.
  static auto* cpu = new CachingAllocator("cpu", memory_source({}));
  return device.type == DeviceType::cpu ? *cpu : gpu_allocator(device);
}

void MemoryChecks::enable(bool on) { checks_enabled = on; }
int64_t MemoryChecks::take_violations() { return guard_violations.exchange(0); }
bool memory_checks_enabled() { return checks_enabled; }
void count_memory_violation() { ++guard_violations; }

std::string format_bytes(int64_t bytes) {
  const auto b = static_cast<double>(bytes);
  if (b >= 10 * 0x1p30) return fmt::format("{:.1f} GiB", b * 0x1p-30);
  if (b >= 0x1p30) return fmt::format("{:.2f} GiB", b * 0x1p-30);
  if (b >= 0x1p20) return fmt::format("{:.0f} MiB", b * 0x1p-20);
  if (b >= 0x1p10) return fmt::format("{:.0f} KiB", b * 0x1p-10);
  return fmt::format("{} B", bytes);
}

}  // namespace minissl
