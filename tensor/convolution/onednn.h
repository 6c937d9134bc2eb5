#pragma once
#include "tensor/convolution/way.h"

/// Convolutions by oneDNN: of any geometry. Primitives are made once per shape and kept.
namespace minissl::onednn {

extern const Way way;

}  // namespace minissl::onednn
