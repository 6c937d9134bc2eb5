#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "nn/backbone.h"
#include "nn/backbones/normalized_convolution.h"

namespace minissl {

class VisibleCells;

/// Blocks per stage, and whether they are bottlenecks (He et al. 2016, table 1).
struct ResNetDepth {
  std::array<int, 4> blocks{};
  bool bottleneck = false;
};
inline constexpr ResNetDepth resnet18{{2, 2, 2, 2}, false}, resnet34{{3, 4, 6, 3}, false}, resnet50{{3, 4, 6, 3}, true},
    resnet101{{3, 4, 23, 3}, true};

enum class Stem {
  imagenet,  ///< 7x7 convolution of stride 2, then max pooling
  small      ///< 3x3 convolution of stride 1, no pooling: for images of 32 to 64 pixels
};

struct ResNetOptions {
  ResNetDepth depth = resnet50;
  Stem stem = Stem::imagenet;
  int64_t channels = 3;  ///< of the images
  /// In training, batch normalisation divides the batch into this many groups: image n is in group n mod bn_groups.
  /// With one group a network can tell which batch an image came in; with several (and shuffled batches) it can't. This
  /// imitates MoCo's several devices on one (He et al. 2020, section 3.3).
  int64_t bn_groups = 1;
  int64_t width = 64;  ///< channels of the stem and the first stage; 64 is the paper's
};

/// ResNetOptions as command-line options.
class ResNetConfig final : public BackboneConfig {
 public:
  explicit ResNetConfig(const ResNetOptions& options = {});
  void visit(OptionVisitor& visitor) override;
  std::unique_ptr<Backbone> make() const override;
  std::unique_ptr<BackboneConfig> clone() const override { return std::make_unique<ResNetConfig>(*this); }

 private:
  ResNetDepth depth_;
  std::string stem_, bn_;
  int64_t width_;
};

/// A residual block: BasicBlock or Bottleneck.
class ResidualBlock : public Module {
 public:
  /// With `cells`, only these are visible in x and in the result.
  virtual Variable forward(const Variable& x, const VisibleCells* cells) = 0;
};

/// He et al. 2016, up to and including the global average pooling, under torchvision's names (no fc). Bottlenecks
/// stride in their 3x3 convolution, as torchvision's do.
class ResNet final : public Backbone {
 public:
  /// Throws Error unless the width is above 0.
  explicit ResNet(const ResNetOptions& options);
  /// 8 width for ResNet-18 and 34, 32 width for ResNet-50 and 101: 512 and 2048.
  int64_t features() const override { return map_channels_.back(); }
  /// In training, bn_groups must divide N.
  Variable forward(const Variable& images) override;
  std::vector<Variable> maps(const Variable& images, const Tensor& kept = {}) override;
  int64_t cell_size() const override { return stem_ == Stem::imagenet ? 32 : 8; }
  std::vector<int64_t> map_channels() const override { return map_channels_; }
  int64_t batch_groups() const override { return bn_groups_; }

 private:
  Variable stem(const Variable& images, const VisibleCells* cells);
  /// Returns the last stage's output; appends every stage's output to `maps`.
  Variable trunk(const Variable& images, const VisibleCells* cells = nullptr, std::vector<Variable>* maps = nullptr);

  Stem stem_;
  int64_t bn_groups_;
  NormalizedConvolution first_;
  std::vector<std::unique_ptr<Module>> stages_;
  struct Block {
    std::string name;  ///< "layer1.0": a part for recomputation (autograd/recompute.h); the stem is one of its own
    std::unique_ptr<ResidualBlock> block;
    bool ends_stage;
  };
  std::vector<Block> blocks_;
  std::vector<int64_t> map_channels_;
};

}  // namespace minissl
