#include "tensor/cuda/launch.h"
#include "tensor/ops/masked_patches.h"

namespace minissl::ops {

// A thread for each image: it has a few hundred patches.
void kernel(Cuda, const MaskedPatches& op) {
  const auto* mask = cuda::data<uint8_t>(op.mask);
  auto *places = cuda::mutable_data<int64_t>(op.places), *hidden = cuda::mutable_data<int64_t>(op.hidden);
  cuda::each(op, op.mask.dim(0), [=, patches = op.mask.dim(1), most = op.hidden.dim(1)] __device__(int64_t n) {
    list_masked(mask + n * patches, patches, most, places + n * patches, hidden + n * most);
  });
}

}  // namespace minissl::ops
