#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include "tensor/memory.h"
#include "tensor/memory_source.h"

namespace minissl {

/// The Allocator of every device; internal to tensor/. Blocks are cut, best fit first, from segments that come from a
/// MemorySource, and merge with their free neighbours when they are freed. Small blocks (statistics, biases) have
/// segments of their own: many live as long as the network, and would split the free memory around them for good. The
/// allocator never reads the memory itself. A device does its work in the order in which it was requested, so memory
/// can be reused as soon as the host has freed it.
class CachingAllocator final : public Allocator {
 public:
  /// `device` is for messages.
  CachingAllocator(std::string device, std::unique_ptr<MemorySource> source);

  std::byte* allocate(size_t bytes, MemoryTag tag) override;
  void deallocate(std::byte* block) noexcept override;
  void retag(std::byte* block, MemoryTag tag) override;
  MemoryUsage usage() const override;
  void release_cached() override;
  void reset_peak() override;
  void begin_recording(const HeldMemory& held) override;
  Recorded end_recording() noexcept override;
  void release(const HeldMemory& held) noexcept override;

 private:
  struct Live {
    std::byte* begin;
    size_t size;            // from `begin`, guard bytes included
    size_t asked, counted;  // of the block itself
    MemoryTag tag;
    bool guarded;
    int64_t recording;  // in which it was allocated
  };
  using FreeParts = std::set<std::pair<size_t, std::byte*>>;  // by size
  // Parts of segments, by address: neighbours merge when freed, but never across segments.
  struct Part {
    size_t size;
    bool free;
    size_t segment;                  // of the first part of a segment: its size; 0 elsewhere
    FreeParts::node_type listing{};  // its place in Pool::free, kept while it is in use: freeing must not allocate
  };
  using Parts = std::map<std::byte*, Part>;
  // Segments for blocks of like sizes.
  struct Pool {
    size_t growth;  // the minimum number of bytes to request from the system
    FreeParts free{};
    Parts parts{};
    std::byte* last_segment = nullptr;
    HeldMemory recorded{};  // allocated since begin_recording()
  };

  void count(size_t bytes, MemoryTag tag);
  void discount(size_t bytes, MemoryTag tag);
  bool guards_intact(std::byte* block, const Live& live);
  Pool& pool_for(size_t size);
  std::byte* take(size_t size, MemoryTag tag);
  void give_back(Pool& pool, std::byte* begin, size_t size);
  static void list(Pool& pool, FreeParts::node_type listing, size_t size, std::byte* begin);
  void hold(Pool& pool, std::byte* begin, std::byte* end, HeldMemory& held);
  static Parts::iterator split(Pool& pool, Parts::iterator part, size_t size);
  Pool& pool_of(std::byte* part) { return small_.parts.contains(part) ? small_ : large_; }
  static void merge(Pool& pool, Parts::iterator left, Parts::iterator right, bool left_is_listed);
  void add_segment(Pool& pool, size_t size, MemoryTag tag);
  bool extend_last_segment(Pool& pool, size_t size);
  bool release_free_segments();
  [[noreturn]] void out_of_memory(size_t size, MemoryTag tag) const;

  const std::string device_;
  const std::unique_ptr<MemorySource> source_;
  const bool block_by_block_;
  std::recursive_mutex turn_;  // to allocate; a recording thread holds it from begin to end
  mutable std::mutex mutex_;   // guards everything below
  MemoryUsage usage_;
  std::unordered_map<std::byte*, Live> live_;
  Pool small_, large_;
  int64_t recordings_ = 0, recording_ = 0;  // how many so far; the one in progress, or 0
  int64_t recorded_live_ = 0;
};

/// Whether new blocks are filled with NaN and fenced by guard bytes, for tests (MemoryChecks).
bool memory_checks_enabled();
void count_memory_violation();

}  // namespace minissl
