#pragma once
#include "nn/backbone.h"
#include "tensor/random.h"

namespace minissl {

/// The numbers for the stochastic depth of a backbone (PathNumbers), (depth, 2, images); undefined if it has none.
Tensor draw_path_numbers(const Backbone& backbone, int64_t images, const Random& random);

}  // namespace minissl
