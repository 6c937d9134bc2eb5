#include "tensor/simd/kernels_of.h"

namespace minissl::simd {

extern const Kernels avx2_kernels;
const Kernels avx2_kernels = kernels_of<8, 6>("avx2");

}  // namespace minissl::simd
