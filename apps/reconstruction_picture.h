#pragma once
#include "data/augment.h"
#include "ssl/methods/painting_method.h"

namespace minissl {

/// A contact sheet, u8 (height, width, C + 1): image, masked, painted, for each image of a batch.
Tensor reconstruction_picture(PaintingMethod& method, Batch batch, const Normalization& normalization);

}  // namespace minissl
