#include "ssl/methods/beit.h"

#include <bit>
#include <cmath>

#include "autograd/functions.h"
#include "formats/safetensors.h"
#include "nn/parameters.h"
#include "nn/patches.h"
#include "ssl/parts/block_mask.h"
#include "ssl/parts/mask_tensors.h"
#include "ssl/parts/option_ranges.h"
#include "ssl/parts/path_numbers.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/gather.h"
#include "tensor/ops/loss.h"
#include "tensor/ops/masked_patches.h"
#include "tensor/ops/rows.h"

namespace minissl {
namespace {

constexpr int64_t published_patches = 196;  // of an image, 75 of them hidden in blocks of 16 or more

std::unique_ptr<VisionTransformer> make_encoder(const BEiTOptions& options, const BackboneConfig& config) {
  const VisionTransformerConfig* given = as_transformer(config);
  require(given != nullptr, "beit needs a Vision Transformer: an `arch` of vit_tiny, vit_small or vit_base");
  VisionTransformerConfig transformer = *given;
  transformer.positions = options.positions == "relative" ? Positions::relative : Positions::learned;
  transformer.layer_scale = options.layer_scale;
  transformer.rescaled_init = true;
  return transformer.make_transformer();
}

// The published tokenizer has one token for 8 pixels; images that are smaller than that have all their pixels.
int64_t usual_token_size(int64_t grid, int64_t size) { return std::min(8 * grid, size); }

// The sizes of the tokenizer whose tokens are one for each patch.
TokenizerOptions tokenizer_for(const BEiTOptions& options, const VisionTransformer& encoder) {
  const int64_t grid = encoder.grid(), size = encoder.options().size;
  TokenizerOptions sizes{.encoder = {.channels = encoder.options().channels}};
  if (options.vocab > 0) sizes.vocabulary = options.vocab;
  if (options.codebook_dim > 0) sizes.codebook_dim = options.codebook_dim;
  if (options.token_hidden > 0) sizes.encoder.hidden = options.token_hidden;
  const int64_t side = options.token_size > 0     ? options.token_size
                       : options.token_layers > 0 ? grid << options.token_layers
                                                  : usual_token_size(grid, size);
  const auto cell = static_cast<uint64_t>(side / grid);
  require(side % grid == 0 && cell > 1 && std::has_single_bit(cell),
          "a tokenizer halves its images, so `token-size` must be {} times 2, 4, 8, ..., not {}: one token for each of "
          "the {} x {} patches",
          grid, side, grid, grid);
  sizes.encoder.layers = std::countr_zero(cell);
  require(options.token_layers == 0 || options.token_layers == sizes.encoder.layers,
          "the tokenizer halves its images {} times, so for {} x {} patches `token-size` must be {}, not {}",
          options.token_layers, grid, grid, grid << options.token_layers, side);
  return sizes;
}

// The rows of logits (N, V) that have a target, for inspection.
Tensor rows_with_target(const Tensor& logits, const Tensor& target) {
  const Tensor on_host = target.to(Device{});
  std::vector<int64_t> rows;
  for (int64_t n = 0; n < on_host.numel(); ++n)
    if (on_host.data<int64_t>()[n] != ops::no_target) rows.push_back(n);
  return ops::gather_rows(logits, Tensor::from({static_cast<int64_t>(rows.size())}, rows));
}

std::string prefix_in(const SafetensorsReader& file) {
  return file.contains("tokenizer.codebook.weight") ? "tokenizer." : "";
}

}  // namespace

void BEiTOptions::visit(OptionVisitor& visitor) {
  constexpr Range size{0, 1 << 20};
  visitor.visit("tokenizer", tokenizer, "tokenizer.safetensors of a run of dvae");
  visitor.visit_number("masked", masked, size, "patches to hide of each image, at most (0: 75 of 196)");
  visitor.visit_number("mask-least", mask_least, size, "smallest area of a hidden block, in patches (0: 16 of 196)");
  visitor.visit_number("token-size", token_size, {0, 1 << 14},
                       "height and width of the images that the tokenizer sees (0: one token for each patch)");
  visitor.visit_choice("positions", positions, {"relative", "learned"},
                       "the patches' positions: a bias on the attention, or parameters that are added to the tokens");
  visitor.visit_number("layer-scale", layer_scale, {0, 10},
                       "first value of the gains of each block (0: without gains)");
  visitor.visit_number("vocab", vocab, size, "tokens of the tokenizer (0: as in its file)");
  visitor.visit_number("codebook-dim", codebook_dim, size, "elements of their vectors (0: as in the file)");
  visitor.visit_number("token-hidden", token_hidden, size, "channels of the tokenizer's layers (0: as in the file)");
  visitor.visit_number("token-layers", token_layers, {0, 10}, "its layers (0: as in the file)");
}

void BEiTOptions::resolve() {
  if (tokenizer.empty() || (vocab > 0 && codebook_dim > 0 && token_hidden > 0 && token_layers > 0)) return;
  const SafetensorsReader file(tokenizer);
  const TokenizerOptions in_file = TokenizerOptions::in_file(file, prefix_in(file));
  const auto take = [&](const char* name, int64_t& mine, int64_t stored) {
    require(mine == 0 || mine == stored, "{}: the tokenizer's `{}` is {}, not {}; leave that out", tokenizer, name,
            stored, mine);
    mine = stored;
  };
  take("vocab", vocab, in_file.vocabulary);
  take("codebook-dim", codebook_dim, in_file.codebook_dim);
  take("token-hidden", token_hidden, in_file.encoder.hidden);
  take("token-layers", token_layers, in_file.encoder.layers);
}

BEiT::Trained::Trained(std::unique_ptr<VisionTransformer> transformer, int64_t vocabulary)
    : backbone(std::move(transformer)),
      mask_token(parameter({1, 1, backbone->features()})),
      lm_head(backbone->features(), vocabulary, {.converted = true, .init = LinearInit::normal}) {
  add_child("backbone", *backbone);
  add_parameter("mask_token", mask_token);
  add_child("lm_head", lm_head);
}

void BEiT::Trained::initialize_own(uint64_t seed, const std::string& path) {
  draw_normal(mask_token.value(), 0.02F, seed, path + ".mask_token");
}

BEiT::BEiT(const BEiTOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : options_(checked(options)),
      trained_(make_encoder(options, backbone), options.vocab > 0 ? options.vocab : TokenizerOptions{}.vocabulary),
      tokenizer_(tokenizer_for(options, *trained_.backbone)) {
  require(0 < masked() && masked() <= grid() * grid(), "`masked` {} of {} patches can't be hidden", masked(),
          grid() * grid());
  require(mask_least() <= masked(), "`mask-least` {} is more than the {} patches to hide", mask_least(), masked());
  add_child("", trained_);
  add_child("tokenizer", tokenizer_);
  to(dtype);
  initialize(seed);
  online_ = std::make_unique<ParameterArena>(trained_);
  fixed_ = std::make_unique<ParameterArena>(tokenizer_, ParameterArena::Gradients::none);
}

int64_t BEiT::masked() const {
  return options_.masked > 0 ? options_.masked : 75 * grid() * grid() / published_patches;
}

int64_t BEiT::mask_least() const {
  return options_.mask_least > 0 ? options_.mask_least : std::max<int64_t>(1, 16 * grid() * grid() / published_patches);
}

std::vector<ViewGroup> BEiT::views(const Augmentation& augmentation, int64_t size) const {
  const int64_t token_size = grid() * tokenizer_.encoder().cell();
  return {{.count = 1, .size = size, .augmentation = augmentation},
          {.name = "token_view", .count = 1, .size = token_size, .augmentation = augmentation, .of_first = true}};
}

DrawnTensors BEiT::draw(const BatchDraw& from) const {
  constexpr uint32_t numbers_of_image = 1 << 12;
  const int64_t patches = grid() * grid();
  const Tensor mask = Tensor::zeros({from.images, patches}, DType::u8);
  const Random random = from.random(0);
  for (int64_t n = 0; mask.storage()->real() && n < from.images; ++n) {
    uint32_t i = static_cast<uint32_t>(n) * numbers_of_image;
    block_mask({mask.mutable_data<uint8_t>() + n * patches, static_cast<size_t>(patches)}, grid(), masked(),
               mask_least(), [&] { return static_cast<double>(random.uniform(i++)); });
  }
  DrawnTensors drawn{{"mask", mask}};
  if (const Tensor drop = draw_path_numbers(*trained_.backbone, from.images, from.random(1)); drop.defined())
    drawn.emplace_back("drop", drop);
  return drawn;
}

ParameterRule BEiT::rule(const std::string& name, const Shape& shape) const {
  const bool is_place = name.find("pos_embed") != std::string::npos || name.find("cls_token") != std::string::npos;
  return {.decay = shape.rank() > 1 && !is_place ? 1.0 : 0.0};
}

Variable BEiT::encode(const Tensor& images, const Tensor& places, const PathNumbers& drop) const {
  const Variable mask_token = view(trained_.mask_token, {trained_.backbone->features()});
  return trained_.backbone->encode(trained_.backbone->masked_tokens(images, places, mask_token), drop);
}

Variable BEiT::loss(const Batch& batch, StepLog& log) {
  const Tensor& images = batch.views[0];
  const int64_t count = images.dim(0), patches = grid() * grid();
  const Tensor tokens = tokenizer_.tokens(batch.views[1]);  // (N, L)
  const ops::MaskedPatches mask = ops::masked_patches(batch.find("mask").to(images.device()), masked());
  Tensor drop = batch.find("drop");
  if (drop.defined()) drop = drop.to(master_type(images.dtype())).to(images.device());

  const Variable encoded = encode(images, mask.places, {drop});  // (N, 1 + L, D)
  const Variable hidden = gather_rows(encoded, mask.hidden);     // (N, M, D)
  const Variable rows = view(hidden, {count * masked(), encoded.shape()[2]});
  const Variable logits = cast(trained_.lm_head.forward(rows), master_type(images.dtype()));  // (N M, V)
  // An image with fewer hidden patches has its class token in their stead, which has no target.
  const Tensor order = ops::grid_positions(count * (1 + patches), 1 + patches, -1, 0, 1, images.device());
  const Tensor none = Tensor::full({}, static_cast<double>(ops::no_target), DType::i64, images.device());
  const Tensor targets =
      ops::gather_rows(ops::gather_rows(tokens, order.view({count, 1 + patches}), none), mask.hidden);
  const Tensor target = targets.view({count * masked()});
  Variable loss = cross_entropy(logits, target);
  const Tensor accuracy = ops::accuracy(ops::argmax(logits.value()), target, logits.value().dtype());

  log.tensor_to_inspect("tokens", loss.value(), [&] { return Tensor(tokens); });
  log.tensor("encoded", cast(encoded, master_type(images.dtype())));
  log.tensor_to_inspect("logits", loss.value(), [&] { return rows_with_target(logits.value(), target); });
  log.tensor_to_inspect("accuracy", accuracy, [&] { return accuracy.view({}); });
  log.term("accuracy", accuracy);
  return loss;
}

std::optional<GivenWeights> BEiT::given_weights() {
  GivenWeights weights{.option = "tokenizer", .file = options_.tokenizer, .written_by = "minissl train dvae"};
  weights.part = &tokenizer_;
  if (!options_.tokenizer.empty()) weights.prefix = prefix_in(SafetensorsReader(options_.tokenizer));
  return weights;
}

Reconstruction BEiT::reconstruct(const Batch& batch) {
  const EvaluationScope evaluation(*this);
  const Tensor &images = batch.views[0], &token_view = batch.views[1], mask = batch.find("mask");
  const int64_t count = images.dim(0), patches = grid() * grid();
  const ops::MaskedPatches masked_of = ops::masked_patches(mask.to(images.device()), patches);
  const Variable encoded = encode(images, masked_of.places);
  const Variable rows = view(encoded, {count * (1 + patches), encoded.shape()[2]});
  const Tensor predicted = ops::argmax(trained_.lm_head.forward(rows).value().to(DType::f32)).to(Device{});
  const Tensor tokens = tokenizer_.tokens(token_view).to(Device{}).clone(), hidden = mask.to(Device{});
  for (int64_t i = 0; i < hidden.numel(); ++i)
    if (hidden.data<uint8_t>()[i] != 0)
      tokens.mutable_data<int64_t>()[i] = predicted.data<int64_t>()[i / patches * (1 + patches) + 1 + i % patches];
  const Tensor painted = tokenizer_.decode_tokens(tokens.to(images.device()), images.dtype());
  const Tensor cells = patches_of(painted, all_cells(count, grid(), images.device()), grid());
  return reconstruction(token_view, hidden.to(DType::f32), cells, grid(), false);
}

std::vector<Space> BEiT::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  return {{"backbone", trained_.backbone->forward(images.to(device())).value()}};
}

}  // namespace minissl
