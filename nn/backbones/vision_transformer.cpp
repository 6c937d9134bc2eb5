#include "nn/backbones/vision_transformer.h"

#include <algorithm>
#include <cmath>

#include "autograd/recompute.h"
#include "formats/safetensors.h"
#include "nn/backbones/visible_cells.h"
#include "nn/parameters.h"
#include "nn/patches.h"
#include "nn/position_embedding.h"
#include "tensor/ops/rows.h"

namespace minissl {
namespace {

constexpr float token_deviation = 0.02f;  // of the class token and learned positions

const VisionTransformerOptions& checked_sizes(const VisionTransformerOptions& options) {
  require(options.patch > 0 && options.size > 0 && options.size % options.patch == 0,
          "`patch` {} does not divide images of {} pixels", options.patch, options.size);
  require(options.depth > 0, "`depth` must be at least 1, not {}", options.depth);
  return options;
}

}  // namespace

PatchEmbedding::PatchEmbedding(const VisionTransformerOptions& options)
    : patch_(options.patch),
      fixed_(options.fixed_patches),
      init_(options.init),
      weight_(parameter({options.width, options.patch, options.patch, options.channels})),
      bias_(parameter({options.width})) {
  add_parameter("weight", weight_, FileLayout::oihw, &converted_);
  add_parameter("bias", bias_);
}

Variable PatchEmbedding::weight(DType type) const {
  const Variable weight = fixed_ ? Variable(weight_.value()) : weight_;
  return weight.value().dtype() == type ? weight : cast(weight, converted_->of(weight_.value(), type));
}

Variable PatchEmbedding::forward(const Tensor& images) const {
  const Variable map = convolution(images, weight(images.dtype()), bias(), {patch_, 0});  // (N, S / patch, ...)
  const Shape& s = map.shape();
  return view(map, {s[0], s[1] * s[2], s[3]});
}

Variable PatchEmbedding::forward(const Tensor& images, const Tensor& patches) const {
  const Tensor pixels = patches_of(images, patches, images.dim(1) / patch_);
  return linear(pixels, view(weight(images.dtype()), {weight_.shape()[0], pixels.dim(2)}), bias());
}

void PatchEmbedding::initialize_own(uint64_t seed, const std::string& path) {
  const int64_t pixels = weight_.value().numel() / weight_.shape()[0];
  const auto in = static_cast<float>(pixels), out = static_cast<float>(weight_.shape()[0]);
  bias_.value().fill(0);
  if (init_ == LinearInit::xavier)
    draw_uniform(weight_.value(), std::sqrt(6 / (in + out)), seed, path + ".weight");
  else
    draw_normal(weight_.value(), token_deviation, seed, path + ".weight");
}

VisionTransformer::VisionTransformer(const VisionTransformerOptions& options)
    : options_(checked_sizes(options)),
      class_token_(parameter({1, 1, options.width})),
      patch_embed_(options),
      norm_(options.width) {
  const Shape positions{1, 1 + grid() * grid(), options.width};
  add_parameter("cls_token", class_token_);
  if (options.positions == Positions::relative) {
    relative_ = std::make_unique<RelativePositionBias>(grid(), options.heads);
    add_child("rel_pos_bias", *relative_);
  } else if (options.positions == Positions::learned) {
    learned_positions_ = parameter(positions);
    add_parameter("pos_embed", learned_positions_);
  } else {
    fixed_positions_ = buffer(positions, 0);
    add_buffer("pos_embed", fixed_positions_);
  }
  patch_.add_child("proj", patch_embed_);
  add_child("patch_embed", patch_);
  for (int64_t b = 0; b < options.depth; ++b) {
    const double factor = options.rescaled_init ? 1 / std::sqrt(2.0 * static_cast<double>(b + 1)) : 1;
    block_.push_back(std::make_unique<TransformerBlock>(TransformerOptions{.width = options.width,
                                                                           .heads = options.heads,
                                                                           .init = options.init,
                                                                           .qkv_parts = options.qkv_parts,
                                                                           .branch_deviation = 0.02 * factor,
                                                                           .layer_scale = options.layer_scale}));
    blocks_.add_child(std::to_string(b), *block_.back());
  }
  add_child("blocks", blocks_);
  add_child("norm", norm_);
  if (fixed_positions_.defined()) fill_fixed_positions();
}

void VisionTransformer::fill_fixed_positions() {
  const Axes axes = options_.positions == Positions::sine ? Axes::columns_first : Axes::rows_first;
  fixed_positions_.copy_from(sine_positions(grid(), options_.width, axes).to(fixed_positions_.dtype()));
}

void VisionTransformer::initialize_own(uint64_t seed, const std::string& path) {
  draw_normal(class_token_.value(), token_deviation, seed, path + ".cls_token");
  if (learned_positions_.defined())
    draw_normal(learned_positions_.value(), token_deviation, seed, path + ".pos_embed");
  else if (fixed_positions_.defined())
    fill_fixed_positions();  // anew, because the type may have changed to f64
}

int64_t VisionTransformer::grid(int64_t size) const {
  require(size > 0 && size % options_.patch == 0, "images of {} pixels do not fall into patches of `patch` {}", size,
          options_.patch);
  return size / options_.patch;
}

// Where the model was built for another grid, its patches' positions are resampled.
std::pair<Variable, Variable> VisionTransformer::positions(int64_t to) {
  const int64_t from = grid(), width = options_.width;
  require(relative_ == nullptr || to == from,
          "a network with relative positions takes images of {} pixels, for which it was made, not of {}",
          options_.size, to * options_.patch);
  if (relative_) return {};
  const Variable stored = learned_positions_.defined() ? learned_positions_ : Variable(fixed_positions_);
  const Variable all = view(stored, {1 + from * from, width});
  const DType type = stored.value().dtype();
  const Device device = stored.value().device();
  const Variable of_class = gather_rows(all, ops::grid_positions(1, 1, 0, 0, 0, device), Repeats::none);
  Variable of_patches = gather_rows(all, ops::grid_positions(from * from, 1, 1, 1, 0, device), Repeats::none);
  if (to == from) return {of_class, of_patches};
  Tensor& matrix = resampling_[to];
  if (!matrix.defined()) matrix = position_resampling(from, to, options_.position_offset).to(type).to(device);
  return {of_class, matmul(matrix, of_patches)};
}

int64_t VisionTransformer::checked_grid(const Tensor& images) const {
  require(images.rank() == 4 && images.dim(1) == images.dim(2) && images.dim(3) == options_.channels,
          "a Vision Transformer for {} channels can't read images {}", options_.channels, images);
  return grid(images.dim(1));
}

Variable VisionTransformer::tokens(const Tensor& images, const Tensor& kept) {
  const int64_t extent = checked_grid(images);
  if (!kept.defined()) return placed(patch_embed_.forward(images), extent);
  require(relative_ == nullptr, "a network with relative positions takes all patches of an image, not some of them");
  const auto [of_class, of_patches] = positions(extent);
  const Variable chosen =
      view(gather_rows(of_patches, kept.view({kept.numel()})), {images.dim(0), kept.dim(1), options_.width});
  return with_class_token(patch_embed_.forward(images, kept) + cast(chosen, images.dtype()), of_class);
}

Variable VisionTransformer::masked_tokens(const Tensor& images, const Tensor& places, const Variable& mask_token) {
  const int64_t extent = checked_grid(images);
  return placed(gather_rows_or(patch_embed_.forward(images), places, mask_token, Repeats::none), extent);
}

Variable VisionTransformer::placed(const Variable& patches, int64_t extent) {
  const auto [of_class, of_patches] = positions(extent);
  if (!of_patches.defined()) return with_class_token(patches, {});
  const Shape& shape = patches.shape();
  const int64_t row = shape[1] * shape[2];
  return with_class_token(view(add_row(view(patches, {shape[0], row}), view(of_patches, {row})), shape), of_class);
}

Variable VisionTransformer::with_class_token(const Variable& patches, const Variable& position) {
  // For each image: -1, which is the class token, then its patches.
  const int64_t count = patches.shape()[0], length = 1 + patches.shape()[1], width = options_.width;
  const Tensor order =
      ops::grid_positions(count * length, length, -1, 0, 1, patches.value().device()).view({count, length});
  const Variable token = view(class_token_, {width});
  return gather_rows_or(patches, order, position.defined() ? token + view(position, {width}) : token, Repeats::none);
}

Variable VisionTransformer::blocks(Variable x, const PathNumbers& drop) {
  const int64_t stage = (depth() + 3) / 4;  // four stages, as in a ResNet
  const Variable bias = relative_ ? relative_->forward() : Variable();
  for (int64_t b = 0; b < depth(); ++b) {
    PartScope part(fmt::format("blocks.{}", b), (b + 1) % stage == 0 || b + 1 == depth());
    BlockDrop of_block;
    if (drop.numbers.defined()) {
      const int64_t images = drop.numbers.dim(2), first = 2 * b * images + drop.first;
      const double share = static_cast<double>(b) / static_cast<double>(std::max<int64_t>(1, depth() - 1));
      of_block = {drop.numbers, first, first + images, options_.drop_path * share};
    }
    x = part.output(block_[static_cast<size_t>(b)]->forward(x, of_block, bias));
  }
  return x;
}

Variable VisionTransformer::encode(const Variable& tokens, const PathNumbers& drop) {
  return norm_.forward(blocks(tokens, drop));
}

Variable VisionTransformer::without_class_token(const Variable& tokens) {
  const int64_t count = tokens.shape()[0], patches = tokens.shape()[1] - 1, width = tokens.shape()[2];
  const Tensor places = ops::grid_positions(count * patches, patches, 1, patches + 1, 1, tokens.value().device());
  return gather_rows(view(tokens, {count * (patches + 1), width}), places, Repeats::none);
}

Variable VisionTransformer::forward(const Variable& images) {
  require(options_.drop_path == 0 || !training() || NoGradScope::active(),
          "`drop-path` {} can't be used with this method, which draws no numbers for it", options_.drop_path);
  return forward(images, {});
}

Variable VisionTransformer::forward(const Variable& images, const PathNumbers& drop) {
  const Variable x = blocks(tokens(images.value()), drop);
  const int64_t count = x.shape()[0], length = x.shape()[1], width = options_.width;
  if (options_.mean_pool) {
    const Variable patches = without_class_token(norm_.forward(x));
    return global_average_pool(view(patches, {count, length - 1, 1, width}));
  }
  // The last normalisation is that of each token by itself, so the others need none.
  const Tensor first = ops::grid_positions(count, 1, 0, length, 0, x.value().device());
  const Variable class_tokens = gather_rows(view(x, {count * length, width}), first, Repeats::none);
  return cast(norm_.forward(class_tokens), master_type(x.value().dtype()));
}

std::vector<Variable> VisionTransformer::maps(const Variable& images, const Tensor& kept) {
  const int64_t extent = grid(images.shape()[1]), width = options_.width;
  const Variable x = encode(tokens(images.value(), kept));
  const int64_t count = x.shape()[0];
  const Variable rows = without_class_token(x);
  const Shape map{count, extent, extent, width};
  if (!kept.defined()) return {view(rows, map)};
  const VisibleCells cells(kept, extent);
  return {view(scatter_rows(rows, cells.positions(map), count * extent * extent), map)};
}

VisionTransformerConfig::VisionTransformerConfig(const VisionTransformerOptions& options)
    : named_(options), patch_(options.patch), position_offset_(options.position_offset), drop_path_(options.drop_path) {
  channels = options.channels;
  size = options.size;
}

void VisionTransformerConfig::visit(OptionVisitor& visitor) {
  visitor.visit_number("patch", patch_, {1, 1024}, "height and width of the patches in pixels");
  visitor.visit_number("width", width_, {0, 1 << 16}, "width of the tokens (0: as the name says)");
  visitor.visit_number("depth", depth_, {0, 1000}, "number of blocks (0: as the name says)");
  visitor.visit_number("heads", heads_, {0, 1 << 16}, "number of heads (0: as the name says)");
  visitor.visit_number(
      "drop-path", drop_path_, {0, 0.99},
      "stochastic depth of dino and beit: the share of images that the last block leaves out of its branches");
  visitor.visit_number("pos-offset", position_offset_, {0, 0.5},
                       "added to the grid where positions are resampled for images of another size: 0.1 as in DINO; 0 "
                       "does not shift them");
  visitor.visit_choice("pool", pool_, {"class", "mean"},
                       "features of an image: the class token, or the mean of the patches' tokens");
}

void VisionTransformerConfig::adapt_to(const SafetensorsReader& file) {
  if (file.contains("rel_pos_bias.relative_position_bias_table")) positions = Positions::relative;
  if (file.contains("blocks.0.gamma_1")) layer_scale = 1;  // the file has the gains
}

std::unique_ptr<VisionTransformer> VisionTransformerConfig::make_transformer() const {
  checked(*this);
  const auto or_named = [](int64_t given, int64_t named) { return given > 0 ? given : named; };
  return std::make_unique<VisionTransformer>(VisionTransformerOptions{.channels = channels,
                                                                      .size = size,
                                                                      .patch = patch_,
                                                                      .width = or_named(width_, named_.width),
                                                                      .depth = or_named(depth_, named_.depth),
                                                                      .heads = or_named(heads_, named_.heads),
                                                                      .position_offset = position_offset_,
                                                                      .drop_path = drop_path_,
                                                                      .mean_pool = pool_ == "mean",
                                                                      .positions = positions,
                                                                      .init = init,
                                                                      .qkv_parts = qkv_parts,
                                                                      .fixed_patches = fixed_patches,
                                                                      .layer_scale = layer_scale,
                                                                      .rescaled_init = rescaled_init});
}

const VisionTransformerConfig* as_transformer(const BackboneConfig& config) {
  return dynamic_cast<const VisionTransformerConfig*>(&config);
}

}  // namespace minissl
