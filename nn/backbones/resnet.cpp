#include "nn/backbones/resnet.h"

#include <charconv>

#include "autograd/recompute.h"
#include "nn/backbones/normalized_convolution.h"
#include "nn/backbones/visible_cells.h"
#include "tensor/ops/rows.h"

namespace minissl {
namespace {

/// A map or images, viewed as (N H W, C), with zeros in all but these rows.
Variable keep_rows(const Variable& map, const Tensor& rows) {
  const int64_t channels = map.shape()[-1], pixels = map.value().numel() / channels;
  const Variable kept = gather_rows(view(map, {pixels, channels}), rows, Repeats::none);
  return view(scatter_rows(kept, rows, pixels), map.shape());
}

/// The shortcut's projection where a block changes the shape; null where it does not.
std::unique_ptr<NormalizedConvolution> make_downsample(int64_t in, int64_t out, int64_t stride, int64_t bn_groups) {
  if (stride == 1 && in == out) return nullptr;
  return std::make_unique<NormalizedConvolution>(in, out, 1, stride, 0, bn_groups,
                                                 NormalizedConvolution::Names{"downsample.0", "downsample.1"});
}

class BasicBlock : public ResidualBlock {
 public:
  static constexpr int64_t expansion = 1;

  BasicBlock(int64_t in, int64_t width, int64_t stride, int64_t bn_groups)
      : first_(in, width, 3, stride, 1, bn_groups, {"conv1", "bn1"}),
        second_(width, width, 3, 1, 1, bn_groups, {"conv2", "bn2"}),
        downsample_(make_downsample(in, width, stride, bn_groups)) {
    add_child("", first_);
    add_child("", second_);
    if (downsample_) add_child("", *downsample_);
  }

  Variable forward(const Variable& x, const VisibleCells* cells) override {
    const Variable identity = downsample_ ? downsample_->forward(x, cells, {}) : x;
    const Variable h = first_.forward(x, cells, {.relu = true});
    return second_.forward(h, cells, {.residual = identity, .relu = true});
  }

 private:
  NormalizedConvolution first_, second_;
  std::unique_ptr<NormalizedConvolution> downsample_;
};

class Bottleneck : public ResidualBlock {
 public:
  static constexpr int64_t expansion = 4;

  Bottleneck(int64_t in, int64_t width, int64_t stride, int64_t bn_groups)
      : first_(in, width, 1, 1, 0, bn_groups, {"conv1", "bn1"}),
        second_(width, width, 3, stride, 1, bn_groups, {"conv2", "bn2"}),
        third_(width, width * expansion, 1, 1, 0, bn_groups, {"conv3", "bn3"}),
        downsample_(make_downsample(in, width * expansion, stride, bn_groups)) {
    add_child("", first_);
    add_child("", second_);
    add_child("", third_);
    if (downsample_) add_child("", *downsample_);
  }

  Variable forward(const Variable& x, const VisibleCells* cells) override {
    const Variable identity = downsample_ ? downsample_->forward(x, cells, {}) : x;
    Variable h = first_.forward(x, cells, {.relu = true});
    h = second_.forward(h, cells, {.relu = true});
    return third_.forward(h, cells, {.residual = identity, .relu = true});
  }

 private:
  NormalizedConvolution first_, second_, third_;
  std::unique_ptr<NormalizedConvolution> downsample_;
};

std::unique_ptr<ResidualBlock> make_block(bool bottleneck, int64_t in, int64_t width, int64_t stride,
                                          int64_t bn_groups) {
  if (bottleneck) return std::make_unique<Bottleneck>(in, width, stride, bn_groups);
  return std::make_unique<BasicBlock>(in, width, stride, bn_groups);
}

Stem parse_stem(const std::string& name) {
  if (name == "imagenet") return Stem::imagenet;
  if (name == "small") return Stem::small;
  fail("`stem` {} is not known; there are imagenet and small", name);
}

// The G of split:G, 1 for plain.
int64_t parse_groups(const std::string& bn) {
  if (bn == "plain") return 1;
  int64_t groups = 0;
  const char *begin = bn.data() + std::string("split:").size(), *end = bn.data() + bn.size();
  if (bn.starts_with("split:"))
    if (const auto [at, error] = std::from_chars(begin, end, groups); error == std::errc() && at == end && groups > 1)
      return groups;
  fail("`bn` {} is not known; there are plain and split:G with G from 2 on", bn);
}

}  // namespace

ResNetConfig::ResNetConfig(const ResNetOptions& options)
    : depth_(options.depth),
      stem_(options.stem == Stem::small ? "small" : "imagenet"),
      bn_(options.bn_groups > 1 ? fmt::format("split:{}", options.bn_groups) : "plain"),
      width_(options.width) {
  channels = options.channels;
}

void ResNetConfig::visit(OptionVisitor& visitor) {
  visitor.visit_choice("stem", stem_, {"imagenet", "small"}, "imagenet, or small (3x3, stride 1, no max pooling)");
  visitor.visit_choice("width", width_, {8, 16, 32, 64, 128, 256},
                       "channels of the first stage; 64 in the paper, fewer is faster");
  visitor.visit_text(
      "bn", bn_, [](const std::string& bn) { parse_groups(bn); },
      "batch normalisation: plain, or split:G (over G groups of the batch)");
}

std::unique_ptr<Backbone> ResNetConfig::make() const {
  checked(*this);
  return std::make_unique<ResNet>(ResNetOptions{.depth = depth_,
                                                .stem = parse_stem(stem_),
                                                .channels = channels,
                                                .bn_groups = parse_groups(bn_),
                                                .width = width_});
}

ResNet::ResNet(const ResNetOptions& options)
    : stem_(options.stem),
      bn_groups_(options.bn_groups),
      first_(options.channels, options.width, stem_ == Stem::small ? 3 : 7, stem_ == Stem::small ? 1 : 2,
             stem_ == Stem::small ? 1 : 3, options.bn_groups, {"conv1", "bn1"}) {
  require(options.width > 0, "`width` must be above 0, not {}", options.width);
  add_child("", first_);
  const auto& [depths, bottleneck] = options.depth;
  int64_t in = options.width;
  for (size_t s = 0; s < depths.size(); ++s) {
    Module& stage = *stages_.emplace_back(std::make_unique<Module>());
    const std::string name = fmt::format("layer{}", s + 1);
    const int64_t width = options.width << s;
    for (int b = 0; b < depths[s]; ++b) {
      blocks_.push_back({fmt::format("{}.{}", name, b),
                         make_block(bottleneck, in, width, s > 0 && b == 0 ? 2 : 1, bn_groups_), b + 1 == depths[s]});
      stage.add_child(std::to_string(b), *blocks_.back().block);
      in = width * (bottleneck ? Bottleneck::expansion : BasicBlock::expansion);
    }
    map_channels_.push_back(in);
    add_child(name, stage);
  }
}

Variable ResNet::stem(const Variable& images, const VisibleCells* cells) {
  PartScope part("stem", true);
  const Variable x = first_.forward(images, cells, {.relu = true});
  if (stem_ == Stem::small) return part.output(x);
  const Variable pooled = max_pool(x, 3, 2, 1);
  // At the border, the window of a hidden place reaches visible ones: convolutions would read what it found there.
  return part.output(cells != nullptr ? keep_rows(pooled, cells->positions(pooled.shape())) : pooled);
}

Variable ResNet::trunk(const Variable& images, const VisibleCells* cells, std::vector<Variable>* maps) {
  Variable x = stem(images, cells);
  for (const Block& b : blocks_) {
    PartScope part(b.name, b.ends_stage);
    x = part.output(b.block->forward(x, cells));
    if (b.ends_stage && maps != nullptr) maps->push_back(x);
  }
  return x;
}

// Batch normalisation groups consecutive images, so the batch is reordered on entry, image n into run n mod bn_groups,
// and restored on exit.
Variable ResNet::forward(const Variable& images) {
  const int64_t count = images.shape()[0];
  const bool grouped = bn_groups_ > 1 && training();
  require(!grouped || count % bn_groups_ == 0, "`bn` split:{} does not divide a batch of {} images", bn_groups_, count);
  if (!grouped) return global_average_pool(trunk(images));
  const Device device = images.value().device();
  const Variable runs = permute_rows(images, ops::interleaved_order(count, bn_groups_, device));
  return permute_rows(global_average_pool(trunk(runs)), ops::interleaved_order(count, count / bn_groups_, device));
}

std::vector<Variable> ResNet::maps(const Variable& images, const Tensor& kept) {
  require(bn_groups_ == 1 || !training(), "feature maps are made with `bn` plain, not split:{}", bn_groups_);
  std::vector<Variable> maps;
  if (!kept.defined()) {
    trunk(images, nullptr, &maps);
    return maps;
  }
  require(images.shape()[1] % cell_size() == 0, "images of {} pixels do not fall into cells of {} x {}",
          images.shape()[1], cell_size(), cell_size());
  const VisibleCells cells(kept, images.shape()[1] / cell_size());
  trunk(keep_rows(images, cells.positions(images.shape())), &cells, &maps);
  return maps;
}

}  // namespace minissl
