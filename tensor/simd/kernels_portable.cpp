#include "tensor/simd/kernels_of.h"

namespace minissl::simd {

extern const Kernels portable_kernels;
const Kernels portable_kernels = kernels_of<4, 6>("portable");

}  // namespace minissl::simd
