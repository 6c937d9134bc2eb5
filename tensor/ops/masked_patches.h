#pragma once
#include "tensor/host_device.h"
#include "tensor/operation.h"

namespace minissl::ops {

/// The patches that a mask hides, as indices of rows (tensor/ops/gather.h). Masks may hide different numbers of patches
/// in each image, while the tensors of a training step have the same shapes in every step.
struct MaskedPatches {
  static constexpr const char* name = "masked_patches";
  static constexpr bool any_type = true;
  Tensor mask;    ///< u8 (N, L): not 0 for a hidden patch
  Tensor places;  ///< i64 (N, L): each patch's own number, or -1 for a hidden one
  /// i64 (N, M): the hidden patches' numbers among the tokens of an encoder, 1 + patch, ascending; then 0, which is the
  /// class token.
  Tensor hidden;
  const Tensor& dispatch() const { return mask; }
};
void kernel(Reference, const MaskedPatches&);
void kernel(Cuda, const MaskedPatches&);

/// Writes the results for one image; for host and device. Hidden patches beyond M are left out.
MINISSL_HD inline void list_masked(const uint8_t* mask, int64_t patches, int64_t most, int64_t* places,
                                   int64_t* hidden) {
  int64_t count = 0;
  for (int64_t i = 0; i < patches; ++i) {
    const bool is_hidden = mask[i] != 0;
    places[i] = is_hidden ? -1 : i;
    if (is_hidden && count < most) hidden[count++] = 1 + i;
  }
  while (count < most) hidden[count++] = 0;
}

/// M = `most`. Throws Error unless the mask is u8 (N, L); and if it hides more than M patches of an image, which is not
/// seen for a mask on a GPU, because the host would have to wait for it.
MaskedPatches masked_patches(const Tensor& mask, int64_t most);

}  // namespace minissl::ops
