#pragma once
#include "tensor/convolution/way.h"

/// Convolutions with a stride as products of matrices whose rows are gathered as they are needed ("implicit GEMM"), on
/// plain float32 pointers. Winograd's filtering is for stride 1 only, and oneDNN is at a third to a half of the
/// machine's speed here. Images x are (N, H, W, I), weights w (O, KH, KW, I), outputs y (N, OH, OW, O). The same bits
/// on any number of threads.
namespace minissl::implicit_gemm {

/// Whether there is a stride, and the channels fill vectors.
bool applies(const Shape& w, int64_t stride);

extern const Way way;

}  // namespace minissl::implicit_gemm
