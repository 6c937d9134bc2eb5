#include "tensor/onednn.h"

#include <new>
#include <oneapi/dnnl/dnnl.hpp>

#include "tensor/error.h"

namespace minissl::onednn {

void matmul(int64_t m, int64_t n, int64_t k, Factor a, Factor b, float* c, int64_t c_stride, bool accumulate) {
  const auto status = dnnl::sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0f, a.data, a.stride,
                                  b.data, b.stride, accumulate ? 1.0f : 0.0f, c, c_stride);
  if (status == dnnl::status::out_of_memory) throw std::bad_alloc();
  require(status == dnnl::status::success, "oneDNN's sgemm failed for {} x {} x {}", m, n, k);
}

}  // namespace minissl::onednn
