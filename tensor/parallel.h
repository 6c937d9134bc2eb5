#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#include "tensor/thread_team.h"

namespace minissl {

/// The number of cores that this process may run on, or fewer if its control group gives it less processor time.
int allowed_threads();

/// Sets the number of threads that operations use, and starts them; without a call it is allowed_threads(). The caller
/// flushes denormals from then on, as the threads do. Throws Error if the system doesn't let the process start so many.
void set_threads(int count);
/// 1 within a part of for_parts.
int threads();

/// Flushes denormals to zero in the calling thread: ReLU networks produce them, and each costs a hundred cycles.
void flush_denormals();

/// The number of threads that work on n elements at the same time, at least `grain` elements in each of their parts.
inline int64_t count_slots(int64_t n, int64_t grain) {
  return std::min<int64_t>(threads(), (n + grain - 1) / std::max<int64_t>(grain, 1));
}

/// Keeps the first exception of several threads for the one that waits for them: an exception that leaves a
/// thread ends the program.
class FirstException {
 public:
  template <class F>
  void guard(F&& f) noexcept {
    try {
      f();
    } catch (...) {
      if (!taken_.exchange(true)) exception_ = std::current_exception();
    }
  }
  /// After all threads are done.
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::atomic<bool> taken_{false};
  std::exception_ptr exception_;
};

/// Splits [0, n) into parts and calls f(slot, begin, end) for each, from several threads. A thread takes the next part
/// when it has finished one. Parts have at least `grain` elements, except for the last. Slots are in
/// [0, count_slots(n, grain)). Two parts with the same slot never run at the same time, so each slot can have its own
/// memory. The result must not depend on how [0, n) is split. If f throws, the caller gets the first exception after
/// all other parts have finished.
template <class F>
void for_parts(int64_t n, int64_t grain, F&& f) {
  const int64_t slots = count_slots(n, grain);
  if (slots <= 1) {
    if (n > 0) f(int64_t{0}, int64_t{0}, n);
    return;
  }
  // So many that a thread which loses its core in the middle of a part leaves little undone, and no more: each part
  // begins anew with what its elements share.
  constexpr int64_t parts_per_thread = 8;
  const int64_t parts = std::min((n + grain - 1) / std::max<int64_t>(grain, 1), slots * parts_per_thread);
  FirstException failure;
  auto guarded = [&](int64_t slot, int64_t p) { failure.guard([&] { f(slot, n * p / parts, n * (p + 1) / parts); }); };
  ThreadTeam::instance().run(
      parts, slots,
      [](void* context, int64_t slot, int64_t p) { (*static_cast<decltype(guarded)*>(context))(slot, p); }, &guarded);
  failure.rethrow();
}

/// The same for an f(begin, end) that does not need its slot.
template <class F>
void parallel_for(int64_t n, int64_t grain, F&& f) {
  for_parts(n, grain, [&](int64_t, int64_t begin, int64_t end) { f(begin, end); });
}

/// Calls f(block, begin, end) for consecutive blocks of `size` elements of [0, n). The blocks do not depend on the
/// number of threads, so a reduction that adds up its blocks' results in order always gives the same bits.
template <class F>
void for_blocks(int64_t n, int64_t size, F&& f) {
  const int64_t blocks = (n + size - 1) / size;
  parallel_for(blocks, 1, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) f(b, b * size, std::min(n, (b + 1) * size));
  });
}

}  // namespace minissl
