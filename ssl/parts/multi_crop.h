#pragma once
#include <array>
#include <span>
#include <vector>

#include "data/batch.h"
#include "nn/backbone.h"
#include "tensor/options.h"

namespace minissl {

/// The crops of an image: two large ones, the global crops, and some small ones.
struct MultiCropOptions {
  int64_t local_crops = 0, local_size = 96;
  std::array<double, 2> global_crop_scale{0.4, 1}, local_crop_scale{0.05, 0.4};

  void visit(OptionVisitor& visitor);
  /// "view1" and "view2" of the given size, then "local1", ...; the augmentation's scale of crops gives way to these.
  std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const;
};

/// The features (C N, D) of C crops (N, S, S, channels) each, crop after crop (Caron et al. 2020). Neighbours of one
/// size go through the network as one batch, so that batch normalisation sees all of their images together: 2 N of the
/// two global crops, then those of all local ones.
/// `drop`, for a Vision Transformer with stochastic depth: its numbers for all C N images (PathNumbers), or undefined.
Variable multi_crop(Backbone& backbone, std::span<const Tensor> crops, const Tensor& drop = {});

}  // namespace minissl
