#include "tensor/parallel.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <Eigen/Core>

#include "tensor/error.h"

namespace minissl {

void flush_denormals() {
#if defined(__SSE__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush results to zero, take denormal inputs as zero
#endif
}

void set_threads(int count) {
  require(count > 0, "`threads` must be at least 1, not {}", count);
  omp_set_dynamic(0);
  omp_set_num_threads(count);
  Eigen::setNbThreads(count);
#pragma omp parallel num_threads(count)
  flush_denormals();
}

int threads() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

}  // namespace minissl
