#pragma once
#include "tensor/convolution/way.h"

/// Convolutions as products of matrices whose rows are gathered as they are needed ("implicit GEMM"): for kernels with
/// a stride, and for those at stride 1 where Winograd's filtering is off. Gives the same bits on any number of threads.
namespace minissl::implicit_gemm {

/// Whether the channels fill vectors.
bool applies(const Shape& w);

extern const Way way;

}  // namespace minissl::implicit_gemm
