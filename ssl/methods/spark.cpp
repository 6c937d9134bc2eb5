#include "ssl/methods/spark.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "nn/patches.h"
#include "ssl/parts/mask_tensors.h"
#include "ssl/parts/option_ranges.h"
#include "tensor/ops/random_mask.h"
#include "tensor/ops/transpose.h"

namespace minissl {
namespace {

// The halvings from the image to the last map.
int64_t halvings_of(const Backbone& backbone) {
  const int64_t cell = backbone.cell_size();
  require(cell > 1 && std::has_single_bit(static_cast<uint64_t>(cell)),
          "spark hides parts of an image from every map of its backbone, which ResNets allow, but this `arch` doesn't");
  require(backbone.batch_groups() == 1, "spark needs `bn` plain, not split:{}: it normalises over all visible places",
          backbone.batch_groups());
  return std::countr_zero(static_cast<uint64_t>(cell));
}

// The decoder's width, which each halving halves.
int64_t wide_enough(int64_t width, int64_t halvings) {
  require(width >> halvings > 0, "`decoder-dim` must be at least {}, not {}: it is halved {} times",
          int64_t{1} << halvings, width, halvings);
  return width;
}

// A map (N, H, W, C) as files have it.
void log_map(const std::string& name, const Tensor& map, StepLog& log) {
  log.tensor_to_inspect(name, map.to(master_type(map.dtype())), [&] { return ops::nhwc_to_nchw(map); });
}

// (N, 1, g, g), u8: 1 for visible cells.
Tensor visibility(const Tensor& kept, int64_t grid) {
  Tensor visible = Tensor::zeros({kept.dim(0), 1, grid, grid}, DType::u8);
  const Tensor on_host = kept.to(Device{});
  for (int64_t i = 0; i < on_host.numel(); ++i)
    visible.mutable_data<uint8_t>()[i / kept.dim(1) * grid * grid + on_host.data<int64_t>()[i]] = 1;
  return visible;
}

}  // namespace

void SparKOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("mask-ratio", mask_ratio, Range::above(0, 1), "share of the cells that are hidden");
  visitor.visit_number("decoder-dim", decoder_dim, width_range, "width of the decoder's first block; halved in each");
}

SparK::SparK(const SparKOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : options_(checked(options)),
      backbone_(backbone.make()),
      cell_(backbone_->cell_size()),
      halvings_(halvings_of(*backbone_)),
      decoder_(wide_enough(options.decoder_dim, halvings_), halvings_, backbone.channels) {
  std::vector<int64_t> channels = backbone_->map_channels(),
                       widths = LightDecoder::widths(options.decoder_dim, halvings_);
  std::reverse(channels.begin(), channels.end());
  const size_t scales = std::min(channels.size(), widths.size());
  channels.resize(scales);
  densifier_ = std::make_unique<Densifier>(channels, widths);
  add_child("backbone", *backbone_);
  add_child("decoder", decoder_);
  add_child("", *densifier_);
  to(dtype);
  initialize(seed);
  online_ = std::make_unique<ParameterArena>(*this);
}

int64_t SparK::visible_cells(int64_t grid) const {
  return static_cast<int64_t>(std::nearbyint(static_cast<double>(grid * grid) * (1 - options_.mask_ratio)));
}

std::vector<ViewGroup> SparK::views(const Augmentation& augmentation, int64_t size) const {
  require(size % cell_ == 0, "`size` {} is not a multiple of {}, the side of the cells that spark hides", size, cell_);
  const int64_t grid = size / cell_, visible = visible_cells(grid);
  require(0 < visible && visible < grid * grid,
          "of the {} cells of {} pixels on an image of `size` {}, `mask-ratio` {} leaves {} visible; spark needs some "
          "visible and some hidden: use larger images, or the small `stem`",
          grid * grid, cell_, size, options_.mask_ratio, visible);
  return {{.count = 1, .size = size, .augmentation = augmentation}};
}

DrawnTensors SparK::draw(const BatchDraw& from) const {
  const int64_t grid = from.size / cell_;
  const Tensor noise = Tensor::empty({from.images, grid, grid});
  const Random random = from.random(0);
  for (int64_t i = 0; noise.storage()->real() && i < noise.numel(); ++i)
    noise.mutable_data<float>()[i] = random.uniform(static_cast<uint32_t>(i));
  return {{"noise", noise}};
}

Variable SparK::loss(const Batch& batch, StepLog& log) {
  const Tensor &images = batch.views[0], noise = batch.find("noise");
  const int64_t count = images.dim(0), grid = images.dim(1) / cell_;
  require(noise.defined() && noise.shape() == Shape{count, grid, grid},
          "spark needs noise for the {} x {} cells of each of {} images", grid, grid, count);
  const ops::RandomMask mask =
      ops::random_mask(noise.view({count, grid * grid}).to(images.device()), visible_cells(grid));

  const DType type = master_type(images.dtype());
  const Variable rec = paint(images, mask.kept, log);                         // (N, S, S, C)
  const Variable predicted = cast(patches_of(rec, mask.hidden, grid), type);  // (N, hidden, p*p*C)
  const Tensor target = normalized_patches(patches_of(images, mask.hidden, grid));
  const auto hidden = static_cast<double>(mask.hidden.numel());
  Variable loss = mean(square(predicted - target)) * (hidden / (hidden + 1e-8));

  log.tensor_to_inspect("rec", predicted.value(), [&] { return ops::nhwc_to_nchw(rec.value()); });
  if (!log.keeps_everything()) return loss;
  const Tensor every = all_cells(count, grid, images.device());
  const Tensor targets = normalized_patches(patches_of(images, every, grid));
  const Tensor errors = errors_of_patches(patches_of(rec.value(), every, grid).to(type), targets);
  log.tensor("target", targets);
  log.tensor("loss/patches", errors);
  log.tensor_to_inspect("visible", errors, [&] { return visibility(mask.kept, grid); });
  return loss;
}

Variable SparK::paint(const Tensor& images, const Tensor& kept, StepLog& log) {
  std::vector<Variable> features = backbone_->maps(images, kept);
  std::reverse(features.begin(), features.end());  // coarsest first
  features.resize(densifier_->scales());
  std::vector<Variable> dense = densifier_->forward(features, VisibleCells(kept, images.dim(1) / cell_));
  for (size_t s = 0; log.keeps_everything() && s < features.size(); ++s) {
    log_map(fmt::format("feature{}", s), features[s].value(), log);
    log_map(fmt::format("dense{}", s), dense[s].value(), log);
  }
  features.clear();  // the decoder needs their memory
  return decoder_.forward(std::move(dense));
}

Reconstruction SparK::reconstruct(const Batch& batch) {
  const EvaluationScope evaluation(*this);
  const Tensor& images = batch.views[0];
  const int64_t count = images.dim(0), grid = images.dim(1) / cell_;
  const Tensor noise = batch.find("noise").view({count, grid * grid}).to(images.device());
  const ops::RandomMask mask = ops::random_mask(noise, visible_cells(grid));
  StepLog log;
  const Tensor painted = paint(images, mask.kept, log).value();
  return reconstruction(images, hidden_of(noise, visible_cells(grid), DType::f32),
                        patches_of(painted, all_cells(count, grid, images.device()), grid), grid, true);
}

ParameterRule SparK::rule(const std::string& name, const Shape& shape) const {
  return {.decay = shape.rank() < 2 || name.starts_with("mask_tokens.") ? 0.0 : 1.0};
}

std::vector<Space> SparK::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  return {{"backbone", backbone_->forward(images.to(device())).value()}};
}

}  // namespace minissl
