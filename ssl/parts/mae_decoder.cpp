#include "ssl/parts/mae_decoder.h"

#include "autograd/recompute.h"
#include "nn/parameters.h"
#include "nn/position_embedding.h"
#include "tensor/ops/rows.h"

namespace minissl {
namespace {

constexpr LinearOptions layer{.converted = true, .init = LinearInit::xavier};
constexpr float token_deviation = 0.02f;

}  // namespace

MAEDecoder::MAEDecoder(const MAEDecoderOptions& options, int64_t features, int64_t grid, int64_t pixels)
    : grid_(grid),
      width_(options.dim),
      pixels_(pixels),
      embed_(features, width_, layer),
      pred_(width_, pixels, layer),
      mask_token_(parameter({1, 1, width_})),
      pos_embed_(buffer({1, 1 + grid * grid, width_}, 0)),
      norm_(width_) {
  add_parameter("mask_token", mask_token_);
  add_buffer("pos_embed", pos_embed_);
  add_child("embed", embed_);
  for (int64_t b = 0; b < options.depth; ++b) {
    block_.push_back(std::make_unique<TransformerBlock>(
        TransformerOptions{.width = width_, .heads = options.heads, .init = LinearInit::xavier}));
    blocks_.add_child(std::to_string(b), *block_.back());
  }
  add_child("blocks", blocks_);
  add_child("norm", norm_);
  add_child("pred", pred_);
  fill_positions();
}

void MAEDecoder::fill_positions() {
  pos_embed_.copy_from(sine_positions(grid_, width_, Axes::columns_first).to(pos_embed_.dtype()));
}

void MAEDecoder::initialize_own(uint64_t seed, const std::string& path) {
  draw_normal(mask_token_.value(), token_deviation, seed, path + ".mask_token");
  fill_positions();  // anew, because the type may have changed to f64
}

Variable MAEDecoder::forward(const Variable& latent, const Tensor& places) {
  const int64_t images = places.dim(0), tokens = places.dim(1), patches = tokens - 1;
  Variable x = gather_rows_or(embed_.forward(latent), places, view(mask_token_, {width_}), Repeats::none);
  x = view(add_row(view(x, {images, tokens * width_}), pos_embed_.view({tokens * width_})), {images, tokens, width_});
  for (size_t b = 0; b < block_.size(); ++b) {
    PartScope part(fmt::format("decoder.blocks.{}", b), b + 1 == block_.size());
    x = part.output(block_[b]->forward(x));
  }
  const Tensor of_patches = ops::grid_positions(images * patches, patches, 1, tokens, 1, x.value().device());
  const Variable rows = gather_rows(view(x, {images * tokens, width_}), of_patches, Repeats::none);
  return cast(view(pred_.forward(norm_.forward(rows)), {images, patches, pixels_}), master_type(x.value().dtype()));
}

}  // namespace minissl
