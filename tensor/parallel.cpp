#include "tensor/parallel.h"

#include <cmath>
#include <sched.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "tensor/control_groups.h"
#include "tensor/error.h"

namespace minissl {

void flush_denormals() {
#if defined(__SSE__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush results to zero, take denormal inputs as zero
#endif
}

int allowed_threads() {
  // Neither changes while a process runs, and reading the groups takes as long as a small operation.
  static const int allowed = [] {
    cpu_set_t set;
    const bool known = sched_getaffinity(0, sizeof set, &set) == 0;  // else there are more cores than it has places for
    const double cores = known ? CPU_COUNT(&set) : std::thread::hardware_concurrency();
    return static_cast<int>(std::max(1.0, std::min(cores, std::ceil(processors_below_limits()))));
  }();
  return allowed;
}

void set_threads(int count) {
  require(count > 0, "`threads` must be at least 1, not {}", count);
  const int started = ThreadTeam::instance().resize(count);
  require(started == count,
          "`threads` {}: the system lets this process have {}; use as many, or raise its limits (ulimit -u, ulimit -v, "
          "pids.max of its control group)",
          count, started);
  flush_denormals();
}

int threads() { return ThreadTeam::at_work() ? 1 : ThreadTeam::instance().size(); }

}  // namespace minissl
