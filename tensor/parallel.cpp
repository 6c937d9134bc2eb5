#include "tensor/parallel.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <Eigen/Core>

#include "tensor/error.h"
#include "tensor/threads.h"

namespace minissl {
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
