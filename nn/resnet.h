#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/layers.h"

namespace minissl {

enum class Architecture { resnet18, resnet50 };
enum class Stem {
  imagenet,  ///< 7x7 convolution of stride 2, then max pooling
  small      ///< 3x3 convolution of stride 1, no pooling: for images of 32 to 64 pixels
};

/// Throw Error for an unknown name, listing the known ones.
Architecture parse_architecture(const std::string& name);
Stem parse_stem(const std::string& name);

struct ResNetOptions {
  Architecture architecture = Architecture::resnet50;
  Stem stem = Stem::imagenet;
  int64_t channels = 3;  ///< of the images
  /// Batch normalisation in training sees the batch as so many groups: image n is in group n mod bn_groups. With one
  /// group a network can tell which batch an image came in, with several (and shuffled batches) it can't: how MoCo's
  /// several devices are had on one (He et al. 2020, section 3.3).
  int64_t bn_groups = 1;
  int64_t width = 64;  ///< channels of the stem and the first stage; 64 is the paper's
};

/// A residual block: BasicBlock or Bottleneck.
class ResidualBlock : public Module {
 public:
  virtual Variable forward(const Variable& x) = 0;
};

/// He et al. 2016, up to and including the global average pooling, under torchvision's names (no fc). Bottlenecks
/// stride in their 3x3 convolution, as torchvision's do.
class ResNet : public Module {
 public:
  explicit ResNet(const ResNetOptions& options);
  /// (N, H, W, channels) to (N, features()). In training, bn_groups divides N.
  Variable forward(const Variable& images);
  /// 8 width for ResNet-18, 32 width for ResNet-50: 512 and 2048.
  int64_t features() const { return features_; }

 private:
  Variable forward_in_order(const Variable& images);

  Stem stem_;
  int64_t bn_groups_;
  Conv2d conv1_;
  BatchNorm bn1_;
  std::vector<std::unique_ptr<Module>> stages_;
  std::vector<std::unique_ptr<ResidualBlock>> blocks_;
  /// For recomputation (autograd/recompute.h); the stem is a part of its own before them.
  struct Part {
    std::string name;
    ResidualBlock* block;
    bool ends_stage;
  };
  std::vector<Part> parts_;
  int64_t features_ = 0;
};

}  // namespace minissl
