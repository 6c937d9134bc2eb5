#include "tensor/onednn.h"

#include <atomic>
#include <cstdlib>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>

#include "tensor/error.h"

namespace minissl::onednn {

void require_memory(size_t bytes) {
  void* volatile spare = std::malloc(bytes);  // volatile: compilers may leave out what is freed unused
  if (!spare) throw std::bad_alloc();
  std::free(spare);
}

void matmul(int64_t m, int64_t n, int64_t k, Factor a, Factor b, float* c, int64_t c_stride, bool accumulate) {
  // Its code is generated at the first product of each kind.
  static std::atomic<bool> generated[2][2][2];
  std::atomic<bool>& known = generated[a.transposed][b.transposed][accumulate];
  require_memory(known ? memory_for_objects : memory_for_code);
  const auto status = dnnl::sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0f, a.data, a.stride,
                                  b.data, b.stride, accumulate ? 1.0f : 0.0f, c, c_stride);
  if (status == dnnl::status::out_of_memory) throw std::bad_alloc();
  require(status == dnnl::status::success, "oneDNN's sgemm failed for {} x {} x {}", m, n, k);
  known = true;
}

}  // namespace minissl::onednn
