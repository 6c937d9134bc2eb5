#pragma once
#include <cstdint>

/// Matrix products by oneDNN, on plain float32 pointers; internal. Its convolutions are in tensor/convolution/onednn.h.
namespace minissl::onednn {

/// Throws std::bad_alloc unless there is memory to spare. oneDNN doesn't check all of the memory that it takes for the
/// code that it generates when a shape is new, and crashes without.
void require_memory_for_code();

/// A row-major matrix whose rows are `stride` floats apart, or its transpose.
struct Factor {
  const float* data;
  int64_t stride;
  bool transposed = false;
};

/// c (m, n) = a (m, k) b (k, n), or c += a b; rows of c are c_stride floats apart.
void matmul(int64_t m, int64_t n, int64_t k, Factor a, Factor b, float* c, int64_t c_stride, bool accumulate);

}  // namespace minissl::onednn
