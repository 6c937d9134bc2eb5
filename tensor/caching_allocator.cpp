#include "tensor/caching_allocator.h"

#include <algorithm>

#include "tensor/error.h"

namespace minissl {
namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page = size_t{2} << 20;
constexpr size_t small_block = size_t{1} << 20;  // blocks below this size are small
constexpr size_t guard_bytes = alignment;
constexpr std::byte guard_pattern{0xA5};
constexpr std::byte nan_pattern{0xff};  // NaN in every floating type

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

}  // namespace

CachingAllocator::CachingAllocator(std::string device, std::unique_ptr<MemorySource> source)
    : device_(std::move(device)),
      source_(std::move(source)),
      block_by_block_(source_->block_by_block()),
      small_{huge_page, {}},
      large_{4 * huge_page, {}} {}

std::byte* CachingAllocator::allocate(size_t bytes, MemoryTag tag) {
  const bool guarded = memory_checks_enabled();
  const size_t wanted = round_up(std::max(bytes, size_t{1}), alignment);
  const size_t size = wanted + (guarded ? 2 * guard_bytes : 0);
  std::lock_guard turn(turn_);
  std::lock_guard lock(mutex_);
  std::byte* begin = take(size, tag);
  std::byte* block = guarded ? begin + guard_bytes : begin;
  if (guarded) {
    source_->fill(begin, guard_pattern, size);
    source_->fill(block, nan_pattern, bytes);
  }
  try {
    live_.emplace(block, Live{begin, size, bytes, wanted, tag, guarded, recording_});
  } catch (...) {
    give_back(pool_for(size), begin, size);
    throw;
  }
  if (recording_ > 0) recorded_live_ += static_cast<int64_t>(wanted);
  count(wanted, tag);
  return block;
}

void CachingAllocator::deallocate(std::byte* block) noexcept {
  std::lock_guard lock(mutex_);
  const auto it = live_.find(block);
  const Live live = it->second;
  live_.erase(it);
  if (live.guarded && !guards_intact(block, live)) count_memory_violation();
  discount(live.counted, live.tag);
  if (recording_ > 0 && live.recording == recording_) recorded_live_ -= static_cast<int64_t>(live.counted);
  give_back(pool_for(live.size), live.begin, live.size);
}

void CachingAllocator::retag(std::byte* block, MemoryTag tag) {
  std::lock_guard lock(mutex_);
  Live& live = live_.at(block);
  discount(live.counted, live.tag);
  count(live.counted, tag);
  live.tag = tag;
}

MemoryUsage CachingAllocator::usage() const {
  std::lock_guard lock(mutex_);
  return usage_;
}

void CachingAllocator::release_cached() {
  std::lock_guard lock(mutex_);
  if (recording_ == 0) release_free_segments();
}

void CachingAllocator::reset_peak() {
  std::lock_guard lock(mutex_);
  usage_.peak = usage_.live;
  usage_.peak_by_tag = usage_.at_peak_by_tag = usage_.live_by_tag;
}

void CachingAllocator::begin_recording(const HeldMemory& held) {
  turn_.lock();
  std::lock_guard lock(mutex_);
  recording_ = ++recordings_;
  recorded_live_ = 0;
  for (const auto& [begin, size] : held) {
    Pool& pool = pool_of(begin);
    pool.recorded.emplace_back(begin, size);
    if (!block_by_block_) give_back(pool, begin, size);
  }
}

Allocator::Recorded CachingAllocator::end_recording() noexcept {
  Recorded result;
  {
    std::lock_guard lock(mutex_);
    result.left = recorded_live_;
    for (Pool* pool : {&small_, &large_}) {
      std::sort(pool->recorded.begin(), pool->recorded.end());
      std::byte* done = nullptr;
      for (const auto& [begin, size] : pool->recorded) {
        if (block_by_block_)
          result.held.emplace_back(begin, size);
        else if (begin + size > done)
          hold(*pool, std::max(begin, done), begin + size, result.held);
        done = std::max(done, begin + size);
      }
      pool->recorded.clear();
    }
    recording_ = 0;
  }
  turn_.unlock();
  return result;
}

void CachingAllocator::release(const HeldMemory& held) noexcept {
  std::lock_guard lock(mutex_);
  for (const auto& [begin, size] : held) give_back(pool_of(begin), begin, size);
}

void CachingAllocator::count(size_t bytes, MemoryTag tag) {
  const auto t = static_cast<size_t>(tag);
  usage_.live += static_cast<int64_t>(bytes);
  usage_.live_by_tag[t] += static_cast<int64_t>(bytes);
  usage_.peak_by_tag[t] = std::max(usage_.peak_by_tag[t], usage_.live_by_tag[t]);
  if (usage_.live > usage_.peak) {
    usage_.peak = usage_.live;
    usage_.at_peak_by_tag = usage_.live_by_tag;
  }
}

void CachingAllocator::discount(size_t bytes, MemoryTag tag) {
  usage_.live -= static_cast<int64_t>(bytes);
  usage_.live_by_tag[static_cast<size_t>(tag)] -= static_cast<int64_t>(bytes);
}

bool CachingAllocator::guards_intact(std::byte* block, const Live& live) {
  // While a graph is being recorded its kernels have not run: there is nothing to check yet.
  return recording_ > 0 || (source_->holds(live.begin, guard_pattern, guard_bytes) &&
                            source_->holds(block + live.asked, guard_pattern, live.counted - live.asked + guard_bytes));
}

CachingAllocator::Pool& CachingAllocator::pool_for(size_t size) { return size < small_block ? small_ : large_; }

std::byte* CachingAllocator::take(size_t size, MemoryTag tag) {
  if (block_by_block_) {
    std::byte* begin = source_->take(size);
    if (!begin) out_of_memory(size, tag);
    return begin;
  }
  Pool& pool = pool_for(size);
  auto fit = pool.free.lower_bound({size, nullptr});
  if (fit == pool.free.end()) {
    add_segment(pool, size, tag);
    fit = pool.free.lower_bound({size, nullptr});
  }
  std::byte* begin = fit->second;
  const auto part = pool.parts.find(begin);
  if (part->second.size > size) split(pool, part, size);
  part->second.listing = pool.free.extract({size, begin});
  part->second.free = false;
  if (recording_ > 0) pool.recorded.emplace_back(begin, size);
  return begin;
}

// Shrinks a free part to `size`; the rest becomes another part, which is returned.
CachingAllocator::Parts::iterator CachingAllocator::split(Pool& pool, Parts::iterator part, size_t size) {
  std::byte* begin = part->first;
  const size_t whole = part->second.size;
  // What allocates comes first: if it fails, nothing has changed.
  const auto rest = pool.parts.emplace(begin + size, Part{whole - size, true, 0}).first;
  try {
    pool.free.emplace(whole - size, begin + size);
  } catch (...) {
    pool.parts.erase(rest);
    throw;
  }
  list(pool, pool.free.extract({whole, begin}), size, begin);
  part->second.size = size;
  return rest;
}

// Takes all free memory between these two addresses, whichever parts it is in.
void CachingAllocator::hold(Pool& pool, std::byte* begin, std::byte* end, HeldMemory& held) {
  for (auto it = std::prev(pool.parts.upper_bound(begin)); it != pool.parts.end() && it->first < end; ++it) {
    if (!it->second.free) continue;
    if (it->first < begin) it = split(pool, it, static_cast<size_t>(begin - it->first));
    if (it->first + it->second.size > end) split(pool, it, static_cast<size_t>(end - it->first));
    it->second.listing = pool.free.extract({it->second.size, it->first});
    it->second.free = false;
    held.emplace_back(it->first, it->second.size);
  }
}

void CachingAllocator::give_back(Pool& pool, std::byte* begin, size_t size) {
  if (block_by_block_ && recording_ > 0) {
    pool.recorded.emplace_back(begin, size);
    return;
  }
  if (block_by_block_) return source_->give_back(begin, size);
  auto it = pool.parts.find(begin);
  auto listing = std::move(it->second.listing);
  it->second.free = true;
  if (auto next = std::next(it); next != pool.parts.end() && next->second.free && next->second.segment == 0)
    merge(pool, it, next, false);
  if (it != pool.parts.begin() && it->second.segment == 0)
    if (auto previous = std::prev(it); previous->second.free) {
      merge(pool, previous, it, true);
      it = previous;
    }
  list(pool, std::move(listing), it->second.size, it->first);
}

// Puts a part into the list of free ones without allocating.
void CachingAllocator::list(Pool& pool, FreeParts::node_type listing, size_t size, std::byte* begin) {
  listing.value() = {size, begin};
  pool.free.insert(std::move(listing));
}

void CachingAllocator::merge(Pool& pool, Parts::iterator left, Parts::iterator right, bool left_is_listed) {
  const auto listed = left_is_listed ? left : right;
  pool.free.erase({listed->second.size, listed->first});
  left->second.size += right->second.size;
  pool.parts.erase(right);
}

void CachingAllocator::add_segment(Pool& pool, size_t size, MemoryTag tag) {
  if (extend_last_segment(pool, size)) return;
  const size_t bytes = round_up(std::max(size, pool.growth), huge_page);
  std::byte* begin = source_->take(bytes);
  if (!begin && recording_ == 0 && release_free_segments()) begin = source_->take(bytes);
  if (!begin) out_of_memory(size, tag);
  pool.parts.emplace(begin, Part{bytes, true, bytes});
  pool.free.emplace(bytes, begin);
  pool.last_segment = begin;
  usage_.reserved += static_cast<int64_t>(bytes);
}

// Grows the newest segment so that a free part of at least `size` is at its end.
bool CachingAllocator::extend_last_segment(Pool& pool, size_t size) {
  const auto segment = pool.parts.find(pool.last_segment);
  if (segment == pool.parts.end()) return false;
  std::byte* end = pool.last_segment + segment->second.segment;
  const auto last = std::prev(pool.parts.lower_bound(end));
  const size_t there = last->second.free ? last->second.size : 0;
  const size_t bytes = round_up(std::max(size - there, pool.growth), huge_page);
  if (!source_->extend(end, bytes)) return false;
  segment->second.segment += bytes;
  usage_.reserved += static_cast<int64_t>(bytes);
  if (there > 0) {
    list(pool, pool.free.extract({there, last->first}), there + bytes, last->first);
    last->second.size += bytes;
  } else {
    pool.parts.emplace(end, Part{bytes, true, 0});
    pool.free.emplace(bytes, end);
  }
  return true;
}

// Returns segments without blocks to the system; false when there were none.
bool CachingAllocator::release_free_segments() {
  bool any = false;
  for (Pool* pool : {&small_, &large_})
    for (auto it = pool->parts.begin(); it != pool->parts.end();) {
      std::byte* begin = it->first;
      const Part& part = it->second;
      if (!part.free || part.segment != part.size) {
        ++it;
        continue;
      }
      const size_t bytes = part.size;
      pool->free.erase({bytes, begin});
      it = pool->parts.erase(it);
      source_->give_back(begin, bytes);
      usage_.reserved -= static_cast<int64_t>(bytes);
      any = true;
    }
  return any;
}

void CachingAllocator::out_of_memory(size_t size, MemoryTag tag) const {
  throw OutOfMemory(
      fmt::format("out of memory on {}: {} for {} could not be had beside {} ({})", device_,
                  format_bytes(static_cast<int64_t>(size)), name_of(tag), format_bytes(usage_.reserved), usage_.str()),
      usage_.reserved);
}

}  // namespace minissl
