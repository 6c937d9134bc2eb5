#include "tensor/parallel.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <Eigen/Core>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "tensor/error.h"

namespace minissl {
namespace {

/// Starts and ends `count` threads that live at the same time. OpenMP ends the program when it gets none; this throws.
void require_threads(int count) {
  require(count <= omp_get_thread_limit(),
          "`threads` {} are more than OMP_THREAD_LIMIT={} allows; use fewer, or unset it", count,
          omp_get_thread_limit());
  std::mutex mutex;
  std::condition_variable released;
  bool release = false;
  std::vector<std::thread> threads;
  const auto end_all = [&] {
    {
      const std::lock_guard lock(mutex);
      release = true;
    }
    released.notify_all();
    for (std::thread& thread : threads) thread.join();
  };
  threads.reserve(static_cast<size_t>(count));
  int missing = 0;
  std::error_code reason;
  try {
    for (missing = count - 1; missing > 0; --missing)
      threads.emplace_back([&] {
        std::unique_lock lock(mutex);
        released.wait(lock, [&] { return release; });
      });
  } catch (const std::system_error& error) {
    reason = error.code();
  } catch (...) {
    end_all();
    throw;
  }
  end_all();
  require(missing == 0, "`threads` {}: the system gives only {} ({}); use fewer, or raise its limit (ulimit -u)", count,
          count - missing, reason.message());
}

}  // namespace

void flush_denormals() {
#if defined(__SSE__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush results to zero, take denormal inputs as zero
#endif
}

void set_threads(int count) {
  require(count > 0, "`threads` must be at least 1, not {}", count);
  require_threads(count);
  omp_set_dynamic(0);
  omp_set_num_threads(count);
  Eigen::setNbThreads(count);
#pragma omp parallel num_threads(count)
  flush_denormals();
}

int threads() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

}  // namespace minissl
