#include "tensor/parallel.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#include <Eigen/Core>

#include "tensor/error.h"
#include "tensor/threads.h"

namespace minissl {
namespace {

// libgomp is not compiled for the thread sanitizer, which therefore doesn't see that a team begins after what its
// caller did before, and that its caller goes on after the team. These two tell it so: what comes before release(x) in
// one thread has happened for another one after its acquire(x).
#if defined(__SANITIZE_THREAD__)
void release(char& x) { __tsan_release(&x); }
void acquire(char& x) { __tsan_acquire(&x); }
#else
void release(char&) {}
void acquire(char&) {}
#endif

}  // namespace

// The team's threads read the arguments, which are on the stack of their caller, before they can call acquire(): the
// sanitizer must not look at this function, of which OpenMP makes another one for the threads.
[[gnu::no_sanitize("thread")]] void run_parts(int parts, void (*part)(void* context, int64_t p), void* context) {
  char begun = 0, done = 0;
  release(begun);
#pragma omp parallel for schedule(static, 1) num_threads(parts)
  for (int64_t p = 0; p < parts; ++p) {
    acquire(begun);
    part(context, p);
    release(done);
  }
  acquire(done);
}

void flush_denormals() {
#if defined(__SSE__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush results to zero, take denormal inputs as zero
#endif
}

int allowed_threads() { return std::max(1, std::min(omp_get_num_procs(), omp_get_thread_limit())); }

void set_threads(int count) {
  require(count > 0, "`threads` must be at least 1, not {}", count);
  require(count <= omp_get_thread_limit(), "`threads` {}: OMP_THREAD_LIMIT allows {}; use as many, or raise it", count,
          omp_get_thread_limit());
  static int started = 1;  // OpenMP keeps the threads of its last team, but for a team of one
  if (count > started) {
    const int more = startable_threads(count - started);
    require(
        more == count - started,
        "`threads` {}: the system lets this process have {}; use as many, or raise its limits (ulimit -u, ulimit -v, "
        "pids.max of its control group)",
        count, started + more);
  }
  if (count > 1) started = count;
  omp_set_dynamic(0);
  omp_set_num_threads(count);
  Eigen::setNbThreads(count);
#pragma omp parallel num_threads(count)
  flush_denormals();
}

int threads() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

}  // namespace minissl
