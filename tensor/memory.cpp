#include "tensor/memory.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <sys/mman.h>
#include <unordered_map>

#include "tensor/error.h"

namespace minissl {
namespace {

constexpr size_t alignment = 64;
constexpr size_t segment_granularity = size_t{2} << 20;  // a huge page
constexpr size_t small_segment = size_t{8} << 20;
constexpr size_t guard_bytes = alignment;
constexpr std::byte guard_pattern{0xA5};

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

thread_local MemoryTag current_tag = MemoryTag::workspace;
std::atomic<bool> checks_enabled{false};
std::atomic<int64_t> guard_violations{0};

// Sanitizers see what is written where only if every tensor has a block of its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif

class Accounts {
 public:
  void add(size_t bytes, MemoryTag tag) {
    const auto t = static_cast<size_t>(tag);
    usage.live += static_cast<int64_t>(bytes);
    usage.live_by_tag[t] += static_cast<int64_t>(bytes);
    usage.peak_by_tag[t] = std::max(usage.peak_by_tag[t], usage.live_by_tag[t]);
    if (usage.live > usage.peak) {
      usage.peak = usage.live;
      usage.at_peak_by_tag = usage.live_by_tag;
    }
  }
  void remove(size_t bytes, MemoryTag tag) {
    usage.live -= static_cast<int64_t>(bytes);
    usage.live_by_tag[static_cast<size_t>(tag)] -= static_cast<int64_t>(bytes);
  }
  void reset_peak() {
    usage.peak = usage.live;
    usage.peak_by_tag = usage.at_peak_by_tag = usage.live_by_tag;
  }

  MemoryUsage usage;
};

class CpuAllocator final : public Allocator {
 public:
  std::byte* allocate(size_t bytes, MemoryTag tag) override {
    const bool guarded = checks_enabled;
    const size_t wanted = round_up(std::max(bytes, size_t{1}), alignment);
    const size_t size = wanted + (guarded ? 2 * guard_bytes : 0);
    std::lock_guard lock(mutex_);
    std::byte* begin = take(size, tag);
    std::byte* block = guarded ? begin + guard_bytes : begin;
    if (guarded) {
      std::memset(begin, static_cast<int>(guard_pattern), size);
      std::memset(block, 0xff, bytes);  // NaN in every floating type
    }
    live_.emplace(block, Live{begin, bytes, wanted, tag, guarded});
    accounts_.add(wanted, tag);
    return block;
  }

  void deallocate(std::byte* block) noexcept override {
    std::lock_guard lock(mutex_);
    const auto it = live_.find(block);
    const Live live = it->second;
    live_.erase(it);
    if (live.guarded && !guards_intact(block, live)) ++guard_violations;
    accounts_.remove(live.counted, live.tag);
    give_back(live.begin);
  }

  void retag(std::byte* block, MemoryTag tag) override {
    std::lock_guard lock(mutex_);
    Live& live = live_.at(block);
    accounts_.remove(live.counted, live.tag);
    accounts_.add(live.counted, tag);
    live.tag = tag;
  }

  MemoryUsage usage() const override {
    std::lock_guard lock(mutex_);
    return accounts_.usage;
  }

  void reset_peak() override {
    std::lock_guard lock(mutex_);
    accounts_.reset_peak();
  }

 private:
  struct Live {
    std::byte* begin;
    size_t asked, counted;
    MemoryTag tag;
    bool guarded;
  };
  // Parts of segments, by address: neighbours merge when freed, but never across segments.
  struct Part {
    size_t size;
    bool free;
    bool first_of_segment;
  };
  using Parts = std::map<std::byte*, Part>;

  static bool guards_intact(std::byte* block, const Live& live) {
    const auto intact = [](const std::byte* from, const std::byte* to) {
      return std::all_of(from, to, [](std::byte b) { return b == guard_pattern; });
    };
    return intact(live.begin, block) && intact(block + live.asked, block + live.counted + guard_bytes);
  }

  std::byte* take(size_t size, MemoryTag tag) {
    if (!pooled) {
      auto* block = static_cast<std::byte*>(std::aligned_alloc(alignment, size));
      if (!block) out_of_memory(size, tag);
      return block;
    }
    auto fit = free_.lower_bound({size, nullptr});
    if (fit == free_.end()) {
      add_segment(size, tag);
      fit = free_.lower_bound({size, nullptr});
    }
    std::byte* begin = fit->second;
    free_.erase(fit);
    Part& part = parts_.at(begin);
    if (part.size > size) {
      parts_.emplace(begin + size, Part{part.size - size, true, false});
      free_.emplace(part.size - size, begin + size);
      part.size = size;
    }
    part.free = false;
    return begin;
  }

  void give_back(std::byte* begin) {
    if (!pooled) return std::free(begin);
    auto it = parts_.find(begin);
    it->second.free = true;
    if (auto next = std::next(it); next != parts_.end() && next->second.free && !next->second.first_of_segment)
      merge(it, next, false);
    if (it != parts_.begin() && !it->second.first_of_segment)
      if (auto previous = std::prev(it); previous->second.free) {
        merge(previous, it, true);
        it = previous;
      }
    free_.emplace(it->second.size, it->first);
  }

  void merge(Parts::iterator left, Parts::iterator right, bool left_is_listed) {
    const auto listed = left_is_listed ? left : right;
    free_.erase({listed->second.size, listed->first});
    left->second.size += right->second.size;
    parts_.erase(right);
  }

  void add_segment(size_t size, MemoryTag tag) {
    const size_t bytes = round_up(std::max(size, small_segment), segment_granularity);
    // One granule more, so that the segment can begin on a huge page.
    void* raw = mmap(nullptr, bytes + segment_granularity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) out_of_memory(size, tag);
    const auto address = reinterpret_cast<uintptr_t>(raw);
    std::byte* begin = static_cast<std::byte*>(raw) + (round_up(address, segment_granularity) - address);
    madvise(begin, bytes, MADV_HUGEPAGE);
    parts_.emplace(begin, Part{bytes, true, true});
    free_.emplace(bytes, begin);
    accounts_.usage.reserved += static_cast<int64_t>(bytes);
  }

  [[noreturn]] void out_of_memory(size_t size, MemoryTag tag) const {
    fail("out of memory on cpu: {} for {} could not be had ({}); use a smaller batch or image size",
         format_bytes(static_cast<int64_t>(size)), name_of(tag), accounts_.usage.str());
  }

  mutable std::mutex mutex_;
  Accounts accounts_;
  std::unordered_map<std::byte*, Live> live_;
  Parts parts_;
  std::set<std::pair<size_t, std::byte*>> free_;
};

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
  // Never destroyed: tensors in static objects may outlive it.
  static auto* cpu = new CpuAllocator;
  require(device.type == DeviceType::cpu, "this build has no {} backend", device.str());
  return *cpu;
}

void MemoryChecks::enable(bool on) { checks_enabled = on; }
int64_t MemoryChecks::take_violations() { return guard_violations.exchange(0); }

std::string format_bytes(int64_t bytes) {
  const auto b = static_cast<double>(bytes);
  if (b >= 10 * 0x1p30) return fmt::format("{:.1f} GiB", b * 0x1p-30);
  if (b >= 0x1p30) return fmt::format("{:.2f} GiB", b * 0x1p-30);
  if (b >= 0x1p20) return fmt::format("{:.0f} MiB", b * 0x1p-20);
  if (b >= 0x1p10) return fmt::format("{:.0f} KiB", b * 0x1p-10);
  return fmt::format("{} B", bytes);
}

}  // namespace minissl
