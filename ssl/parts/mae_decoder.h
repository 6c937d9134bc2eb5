#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/transformer.h"

namespace minissl {

struct MAEDecoderOptions {
  int64_t dim = 512, depth = 8, heads = 16;
};

/// MAE's decoder (He et al. 2021, section 3): a linear embedding, mask tokens in the places of hidden patches, fixed
/// positions, Transformer blocks.
class MAEDecoder : public Module {
 public:
  /// For an encoder's tokens of `features` elements, on a grid x grid of patches of `pixels` numbers each.
  MAEDecoder(const MAEDecoderOptions& options, int64_t features, int64_t grid, int64_t pixels);
  /// The encoder's output (N, 1 + K, features) to predictions for all patches, (N, L, pixels), in f32. `places` i64
  /// (N, 1 + L) says where each token is among the encoder's (ops::RandomMask).
  Variable forward(const Variable& latent, const Tensor& places);

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;
  void fill_positions();

  int64_t grid_, width_, pixels_;
  Linear embed_, pred_;
  Variable mask_token_;
  Tensor pos_embed_;
  Module blocks_;
  std::vector<std::unique_ptr<TransformerBlock>> block_;
  LayerNorm norm_;
};

}  // namespace minissl
