#pragma once
#include "nn/layers.h"

namespace minissl {

struct TransformerOptions {
  int64_t width = 192;
  int64_t heads = 3;
  LinearInit init = LinearInit::normal;
  int64_t qkv_parts = 1;  ///< LinearOptions::parts of `attn.qkv`: 3 draws queries, keys and values as MoCo v3 does
  double branch_deviation = 0.02;  ///< LinearOptions::deviation of `attn.proj` and `mlp.fc2`, which end a branch
  double layer_scale = 0;          ///< first value of the gains `gamma_1` and `gamma_2`; 0: the block has none
};

/// The stochastic depth of a block (drop_path): random numbers in (0, 1) for the images of the attention's branch from
/// `attention` on, of the MLP's from `mlp` on. A rate of 0 drops nothing.
struct BlockDrop {
  Tensor numbers = {};
  int64_t attention = 0, mlp = 0;
  double rate = 0;
};

/// A pre-norm block of a Vision Transformer (Dosovitskiy et al. 2021, eq. 2 and 3), with timm's names:
///   x = x + gamma_1 attn(norm1(x)),  x = x + gamma_2 mlp(norm2(x))
/// where the gains gamma (Touvron et al. 2021, "LayerScale") are 1 unless the options ask for them, attn is multi-head
/// self-attention between linear layers `qkv` and `proj`, and mlp is `fc1`, of four times the width, exact GELU and
/// `fc2`.
class TransformerBlock : public Module {
 public:
  /// Throws Error unless the heads divide the width.
  explicit TransformerBlock(const TransformerOptions& options);
  /// x (N, L, width) to the same. Stochastic depth leaves out a branch of some images if `drop` says so. `bias`,
  /// (heads, L, L) or undefined, is added to the attention's logits.
  Variable forward(const Variable& x, const BlockDrop& drop = {}, const Variable& bias = {}) const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  int64_t heads_, head_width_;
  LayerNorm norm1_, norm2_;
  Module attn_, mlp_;
  Linear qkv_, proj_, fc1_, fc2_;
  double layer_scale_;
  Variable gamma_1_, gamma_2_;  // (width), or undefined
};

}  // namespace minissl
