#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <omp.h>

namespace minissl {

/// The number of threads that this process may use: the cores that it may run on, or fewer if OMP_THREAD_LIMIT says so.
int allowed_threads();

/// Sets the number of threads that operations use (oneDNN and Eigen included), starts them, and makes each flush
/// denormals. Throws Error if OMP_THREAD_LIMIT is lower, or if the system doesn't let the process start so many: OpenMP
/// itself would end the process, or wait for ever.
void set_threads(int count);
int threads();

/// Flushes denormals to zero in the calling thread: ReLU networks produce them, and each costs a hundred cycles.
void flush_denormals();

/// The number of parts, one per thread, into which for_parts divides n elements.
inline int64_t count_parts(int64_t n, int64_t grain) {
  return std::min<int64_t>(threads(), (n + grain - 1) / std::max<int64_t>(grain, 1));
}

/// Keeps the first exception of several threads for the one that waits for them: an exception that leaves OpenMP's
/// threads, or a std::thread, ends the program.
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

/// Calls part(context, p) for each p in [0, parts), each in a thread of its own, and returns when all are done. Part
/// may not throw. The only place that shares memory with OpenMP's threads.
void run_parts(int parts, void (*part)(void* context, int64_t p), void* context);

/// Calls f(part, begin, end) on parts of [0, n) from several threads. Parts are at least `grain` long, except for the
/// last. The result must not depend on how [0, n) is divided. An exception of one part reaches the caller when the
/// others are done.
template <class F>
void for_parts(int64_t n, int64_t grain, F&& f) {
  const int64_t parts = count_parts(n, grain);
  if (parts <= 1) {
    if (n > 0) f(int64_t{0}, int64_t{0}, n);
    return;
  }
  FirstException failure;
  auto guarded = [&](int64_t p) { failure.guard([&] { f(p, n * p / parts, n * (p + 1) / parts); }); };
  run_parts(
      static_cast<int>(parts), [](void* context, int64_t p) { (*static_cast<decltype(guarded)*>(context))(p); },
      &guarded);
  failure.rethrow();
}

/// The same for an f(begin, end) that does not need the number of its part.
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
