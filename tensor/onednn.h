#pragma once
#include <cstddef>
#include <cstdint>

/// Matrix products by oneDNN, on plain float32 pointers; internal. Its convolutions are in tensor/convolution/onednn.h.
namespace minissl::onednn {

/// Throws std::bad_alloc unless so much memory is to spare. oneDNN doesn't check all that it takes, and crashes
/// without: for the objects of a call, and for the code that it generates when a shape is new.
void require_memory(size_t bytes);
inline constexpr size_t memory_for_objects = size_t{64} << 10, memory_for_code = size_t{8} << 20;

/// A row-major matrix whose rows are `stride` floats apart, or its transpose.
struct Factor {
  const float* data;
  int64_t stride;
  bool transposed = false;
};

/// c (m, n) = a (m, k) b (k, n), or c += a b; rows of c are c_stride floats apart.
void matmul(int64_t m, int64_t n, int64_t k, Factor a, Factor b, float* c, int64_t c_stride, bool accumulate);

}  // namespace minissl::onednn
