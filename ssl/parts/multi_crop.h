#pragma once
#include <span>

#include "nn/backbone.h"

namespace minissl {

/// The features (C N, D) of C crops (N, S, S, channels) each, crop after crop (Caron et al. 2020). Neighbours of one
/// size go through the network as one batch, so that batch normalisation sees all of their images together: 2 N of the
/// two global crops, then those of all local ones.
/// `drop`, for a Vision Transformer with stochastic depth: its numbers for all C N images (PathNumbers), or undefined.
Variable multi_crop(Backbone& backbone, std::span<const Tensor> crops, const Tensor& drop = {});

}  // namespace minissl
