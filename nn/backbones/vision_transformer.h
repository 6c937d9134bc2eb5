#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/backbone.h"
#include "nn/relative_position_bias.h"
#include "nn/transformer.h"

namespace minissl {

/// How the positions of patches are embedded.
enum class Positions {
  learned,         ///< a parameter
  relative,        ///< none of the tokens', but a bias on the attention's logits: BEiT's (nn/relative_position_bias.h)
  sine,            ///< fixed, columns first: MAE's (nn/position_embedding.h)
  sine_rows_first  ///< fixed: MoCo v3's
};

struct VisionTransformerOptions {
  int64_t channels = 3;  ///< of the images
  int64_t size = 224;    ///< side of the square images; of others, the positions are resampled
  int64_t patch = 16;    ///< side of the square patches
  int64_t width = 192;
  int64_t depth = 12;  ///< blocks
  int64_t heads = 3;
  double position_offset = 0.1;  ///< for resampled positions (position_resampling)
  double drop_path = 0;          ///< stochastic depth: the last block's rate; it rises linearly from 0 in the first
  bool mean_pool = false;        ///< features: the mean of the patches' tokens instead of the class token

  // What a method decides.
  Positions positions = Positions::learned;
  LinearInit init = LinearInit::normal;
  int64_t qkv_parts = 1;       ///< TransformerOptions::qkv_parts
  bool fixed_patches = false;  ///< the patch embedding is not trained (MoCo v3)
  double layer_scale = 0;      ///< TransformerOptions::layer_scale
  bool rescaled_init =
      false;  ///< block b, from 1, draws what ends its branches with 1 / sqrt(2 b) of the deviation (BEiT)
};

/// Random numbers in (0, 1) for stochastic depth, (depth, 2, M): of each block, of its attention and its MLP, for M
/// images of which a forward pass has those from `first` on. Undefined: nothing is dropped.
struct PathNumbers {
  Tensor numbers = {};
  int64_t first = 0;
};

/// A linear layer on the pixels of each patch: a convolution whose stride is its kernel. Weight (width, patch, patch,
/// channels).
class PatchEmbedding : public Module {
 public:
  explicit PatchEmbedding(const VisionTransformerOptions& options);
  /// Images (N, S, S, C) to (N, L, width), patches row by row.
  Variable forward(const Tensor& images) const;
  /// The same for some patches of each image: `patches` i64 (N, K) to (N, K, width).
  Variable forward(const Tensor& images, const Tensor& patches) const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;
  /// The weight in the type of the images.
  Variable weight(DType type) const;
  Variable bias() const { return fixed_ ? Variable(bias_.value()) : bias_; }

  int64_t patch_;
  bool fixed_;
  LinearInit init_;
  Variable weight_, bias_;
  std::shared_ptr<ConvertedCopy> converted_ = std::make_shared<ConvertedCopy>();
};

/// ViT (Dosovitskiy et al. 2021) under timm's names: patch embedding, class token, positions, pre-norm blocks, layer
/// normalisation (eps 1e-6).
class VisionTransformer final : public Backbone {
 public:
  /// Throws Error unless patches divide images and heads the width.
  explicit VisionTransformer(const VisionTransformerOptions& options);

  int64_t features() const override { return options_.width; }
  /// The features, after the last normalisation: the class token or the mean of the patches' tokens, (N, width), f32
  /// for images in bf16. Throws Error if it is recorded and has a `drop-path`, for which a method has to draw numbers.
  Variable forward(const Variable& images) override;
  /// The same with stochastic depth.
  Variable forward(const Variable& images, const PathNumbers& drop);
  /// One map, (N, S / patch, S / patch, width): the patch tokens after the last normalisation.
  std::vector<Variable> maps(const Variable& images, const Tensor& kept = {}) override;
  std::vector<int64_t> map_channels() const override { return {options_.width}; }

  /// The number of patches in a row of images of `size` pixels.
  int64_t grid(int64_t size) const;
  int64_t grid() const { return options_.size / options_.patch; }
  int64_t depth() const { return static_cast<int64_t>(block_.size()); }
  const VisionTransformerOptions& options() const { return options_; }

  /// The input of the blocks, (N, 1 + L, width): the class token, then the patches, with their positions; or, with
  /// `kept`, i64 (N, K), only these patches, in that order (N, 1 + K, width), which are all that is computed.
  Variable tokens(const Tensor& images, const Tensor& kept = {});
  /// The same of all patches, but with `mask_token`, (width), in place of patches, before their positions are added:
  /// of those for which `places`, i64 (N, L), has -1 instead of the patch's own number (ops::MaskedPatches).
  Variable masked_tokens(const Tensor& images, const Tensor& places, const Variable& mask_token);
  /// Blocks and last normalisation, (N, L, width) to the same.
  Variable encode(const Variable& tokens, const PathNumbers& drop = {});

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;
  void fill_fixed_positions();
  /// Throws Error for images that don't fit the options; returns the number of patches in a row.
  int64_t checked_grid(const Tensor& images) const;
  Variable blocks(Variable x, const PathNumbers& drop = {});
  /// The positions of the class token, (1, width), and of patches on a grid of `to` x `to`, (to^2, width). Undefined
  /// for relative positions, which throw Error for another grid than the network's own.
  std::pair<Variable, Variable> positions(int64_t to);
  /// Patches (N, L, width), all of them, with their positions and the class token in front: (N, 1 + L, width).
  Variable placed(const Variable& patches, int64_t extent);
  /// (N, 1 + L, width): the class token, with its position, in front of patches that have theirs.
  Variable with_class_token(const Variable& patches, const Variable& position);
  /// The patches' tokens, (N L, width), of tokens (N, 1 + L, width).
  static Variable without_class_token(const Variable& tokens);

  VisionTransformerOptions options_;
  Variable class_token_, learned_positions_;
  Tensor fixed_positions_;
  PatchEmbedding patch_embed_;
  Module patch_, blocks_;  // namespaces: patch_embed.proj, blocks.0
  std::vector<std::unique_ptr<TransformerBlock>> block_;
  LayerNorm norm_;
  std::unique_ptr<RelativePositionBias> relative_;  // null: other positions
  std::map<int64_t, Tensor> resampling_;            // by grid
};

/// VisionTransformerOptions as command-line options. Methods that need a Vision Transformer take a copy and change it.
class VisionTransformerConfig final : public BackboneConfig {
 public:
  explicit VisionTransformerConfig(const VisionTransformerOptions& options);
  void visit(OptionVisitor& visitor) override;
  std::unique_ptr<Backbone> make() const override { return make_transformer(); }
  std::unique_ptr<VisionTransformer> make_transformer() const;
  std::unique_ptr<BackboneConfig> clone() const override { return std::make_unique<VisionTransformerConfig>(*this); }
  /// Sees whether its positions are relative and its blocks scaled.
  void adapt_to(const SafetensorsReader& file) override;

  Positions positions = Positions::learned;
  LinearInit init = LinearInit::normal;
  int64_t qkv_parts = 1;
  bool fixed_patches = false, rescaled_init = false;
  double layer_scale = 0;

 private:
  VisionTransformerOptions named_;  ///< what the architecture's name says
  int64_t patch_, width_ = 0, depth_ = 0, heads_ = 0;
  double position_offset_, drop_path_;
  std::string pool_ = "class";
};

/// The configuration as that of a Vision Transformer, or null for another family.
const VisionTransformerConfig* as_transformer(const BackboneConfig& config);

}  // namespace minissl
