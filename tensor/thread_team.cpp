#include "tensor/thread_team.h"

#include <chrono>
#include <system_error>

#include "tensor/parallel.h"

namespace minissl {
namespace {

thread_local bool computes_part = false;

// Longer than the pauses between the operations of a step (10 to 50 us), shorter than what the scheduler gives others
// at a time (1 to 4 ms).
constexpr std::chrono::microseconds spin_time{100};

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

bool ThreadTeam::at_work() { return computes_part; }

// Never destroyed: its threads may outlive static objects.
ThreadTeam& ThreadTeam::instance() {
  static ThreadTeam* const team = [] {
    auto* made = new ThreadTeam;
    made->resize(allowed_threads());
    return made;
  }();
  return *team;
}

template <class Condition>
bool ThreadTeam::spin_until(Condition&& condition) const {
  if (!spin_) return condition();
  const auto end = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int i = 0; i < 32; ++i) {
      if (condition()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

int ThreadTeam::resize(int size) {
  const int before = size_;
  size_ = size;
  if (size < before) {  // those with higher numbers end
    ++begun_;
    begun_.notify_all();
    for (int number = size; number < before; ++number) threads_[static_cast<size_t>(number - 1)].join();
    threads_.resize(static_cast<size_t>(size - 1));
  }
  try {
    for (int number = before; number < size; ++number) threads_.emplace_back([this, number] { work(number); });
  } catch (const std::system_error&) {
    size_ = static_cast<int>(threads_.size()) + 1;
  }
  spin_ = size_ <= allowed_threads();
  return size_;
}

void ThreadTeam::work(int number) {
  flush_denormals();
  for (uint32_t seen = 0; number < size_;) {
    const uint32_t begun = begun_;
    if (begun == seen) {
      if (!spin_until([&] { return begun_ != seen; })) begun_.wait(seen);
      continue;
    }
    seen = begun;
    if (!join()) continue;
    if (const int64_t slot = next_slot_++; slot < slots_) take_parts(slot);
    leave();
  }
}

bool ThreadTeam::join() {
  uint32_t state = state_;
  while (state & open)
    if (state_.compare_exchange_weak(state, state + 1)) return true;
  return false;
}

void ThreadTeam::leave() {
  if (--state_ == 0) state_.notify_one();
}

void ThreadTeam::take_parts(int64_t slot) {
  computes_part = true;
  for (int64_t p; (p = next_part_++) < parts_;) part_(context_, slot, p);
  computes_part = false;
}

void ThreadTeam::run(int64_t parts, int64_t slots, Part part, void* context) {
  if (computes_part || slots <= 1 || taken_.exchange(true)) {
    for (int64_t p = 0; p < parts; ++p) part(context, 0, p);
    return;
  }
  part_ = part, context_ = context;
  parts_ = parts, slots_ = slots;
  next_part_ = 0, next_slot_ = 1;
  state_ = open;
  ++begun_;
  begun_.notify_all();
  take_parts(0);
  // Nobody joins from here on: those that have not come yet aren't waited for.
  uint32_t state = state_.fetch_and(~open) & ~open;
  if (state != 0 && !spin_until([&] { return state_ == 0; }))
    while ((state = state_) != 0) state_.wait(state);
  taken_ = false;
}

}  // namespace minissl
