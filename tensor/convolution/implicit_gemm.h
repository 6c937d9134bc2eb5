#pragma once
#include "tensor/convolution/way.h"

/// Convolutions with a stride as products of matrices whose rows are gathered as they are needed ("implicit GEMM").
/// Winograd's filtering is for stride 1 only, and oneDNN reaches a third to a half of the machine's speed here. Gives
/// the same bits on any number of threads.
namespace minissl::implicit_gemm {

/// Whether there is a stride and the channels fill vectors.
bool applies(const Shape& w, int64_t stride);

extern const Way way;

}  // namespace minissl::implicit_gemm
