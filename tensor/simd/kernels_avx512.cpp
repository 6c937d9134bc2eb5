#include "tensor/simd/kernels_of.h"

namespace minissl::simd {

extern const Kernels avx512_kernels;
const Kernels avx512_kernels = kernels_of<16, 14>("avx512");

}  // namespace minissl::simd
