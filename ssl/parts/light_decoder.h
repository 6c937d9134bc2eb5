#pragma once
#include <memory>
#include <vector>

#include "nn/layers.h"

namespace minissl {

/// Doubles a map: 4x4 transposed convolution of stride 2, then 3x3 convolution, batch normalisation, ReLU6, 3x3
/// convolution, batch normalisation.
class UpBlock : public Module {
 public:
  UpBlock(int64_t in, int64_t out);
  /// (N, H, W, in) to (N, 2H, 2W, out).
  Variable forward(const Variable& x);

 private:
  ConvTranspose2d up_sample_;
  Module conv_;  // positions in PyTorch's Sequential; 2 is the ReLU6
  Conv2d conv0_;
  BatchNorm norm1_;
  Conv2d conv3_;
  BatchNorm norm4_;
};

/// SparK's decoder (Tian et al. 2023, section 3.3, and the published code), a U-Net's: one block for each halving of
/// the encoder, of widths W, W / 2, W / 4, ..., each adding its scale's map to its input; then 1x1 to pixels.
class LightDecoder : public Module {
 public:
  LightDecoder(int64_t width, int64_t blocks, int64_t channels);
  /// The channels of each block's input.
  static std::vector<int64_t> widths(int64_t width, int64_t blocks);
  /// Maps (N, H, W, widths[s]), each twice as large as the one before it, at most one for each block; to images
  /// (N, S, S, channels), S being 2^blocks times the first map's extent.
  Variable forward(std::vector<Variable> maps);

 private:
  Module dec_;
  std::vector<std::unique_ptr<UpBlock>> blocks_;
  Conv2d proj_;
};

}  // namespace minissl
