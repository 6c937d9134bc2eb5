#include "tensor/ops/masked_patches.h"

#include <algorithm>

namespace minissl::ops {

void kernel(Reference, const MaskedPatches& op) {
  const int64_t patches = op.mask.dim(1), most = op.hidden.dim(1);
  for (int64_t n = 0; n < op.mask.dim(0); ++n) {
    const auto* mask = op.mask.data<uint8_t>() + n * patches;
    const int64_t count = patches - std::count(mask, mask + patches, 0);
    require(count <= most, "masked_patches: the mask of image {} hides {} patches, and {} at most may be hidden", n,
            count, most);
    list_masked(mask, patches, most, op.places.mutable_data<int64_t>() + n * patches,
                op.hidden.mutable_data<int64_t>() + n * most);
  }
}

MaskedPatches masked_patches(const Tensor& mask, int64_t most) {
  require(mask.rank() == 2 && mask.dtype() == DType::u8, "masked_patches: a mask is u8 (N, L), not {}", mask);
  require(most > 0 && most <= mask.dim(1), "masked_patches: {} of {} patches can't be hidden", most, mask.dim(1));
  const auto indices = [&](int64_t count) { return Tensor::empty({mask.dim(0), count}, DType::i64, mask.device()); };
  MaskedPatches op{mask, indices(mask.dim(1)), indices(most)};
  run(op);
  return op;
}

}  // namespace minissl::ops
