#include "nn/resnet.h"

#include "autograd/recompute.h"
#include "tensor/ops/rows.h"

namespace minissl {
namespace {

/// The projection of the identity where a block changes the shape.
class Downsample : public Module {
 public:
  Downsample(int64_t in, int64_t out, int64_t stride, int64_t bn_groups)
      : convolution_(in, out, 1, stride, 0), norm_(out, bn_groups) {
    add_child("0", convolution_);
    add_child("1", norm_);
  }
  Variable forward(const Variable& x) { return norm_.forward(convolution_.forward(x), {}); }

 private:
  Conv2d convolution_;
  BatchNorm norm_;
};

class BasicBlock : public ResidualBlock {
 public:
  static constexpr int64_t expansion = 1;

  BasicBlock(int64_t in, int64_t width, int64_t stride, int64_t bn_groups)
      : conv1_(in, width, 3, stride, 1), bn1_(width, bn_groups), conv2_(width, width, 3, 1, 1), bn2_(width, bn_groups) {
    add_child("conv1", conv1_);
    add_child("bn1", bn1_);
    add_child("conv2", conv2_);
    add_child("bn2", bn2_);
    if (stride != 1 || in != width) {
      downsample_ = std::make_unique<Downsample>(in, width, stride, bn_groups);
      add_child("downsample", *downsample_);
    }
  }

  Variable forward(const Variable& x) override {
    const Variable identity = downsample_ ? downsample_->forward(x) : x;
    const Variable h = bn1_.forward(conv1_.forward(x), {.relu = true});
    return bn2_.forward(conv2_.forward(h), {.residual = identity, .relu = true});
  }

 private:
  Conv2d conv1_;
  BatchNorm bn1_;
  Conv2d conv2_;
  BatchNorm bn2_;
  std::unique_ptr<Downsample> downsample_;
};

class Bottleneck : public ResidualBlock {
 public:
  static constexpr int64_t expansion = 4;

  Bottleneck(int64_t in, int64_t width, int64_t stride, int64_t bn_groups)
      : conv1_(in, width, 1, 1, 0),
        bn1_(width, bn_groups),
        conv2_(width, width, 3, stride, 1),
        bn2_(width, bn_groups),
        conv3_(width, width * expansion, 1, 1, 0),
        bn3_(width * expansion, bn_groups) {
    add_child("conv1", conv1_);
    add_child("bn1", bn1_);
    add_child("conv2", conv2_);
    add_child("bn2", bn2_);
    add_child("conv3", conv3_);
    add_child("bn3", bn3_);
    if (stride != 1 || in != width * expansion) {
      downsample_ = std::make_unique<Downsample>(in, width * expansion, stride, bn_groups);
      add_child("downsample", *downsample_);
    }
  }

  Variable forward(const Variable& x) override {
    const Variable identity = downsample_ ? downsample_->forward(x) : x;
    Variable h = bn1_.forward(conv1_.forward(x), {.relu = true});
    h = bn2_.forward(conv2_.forward(h), {.relu = true});
    return bn3_.forward(conv3_.forward(h), {.residual = identity, .relu = true});
  }

 private:
  Conv2d conv1_;
  BatchNorm bn1_;
  Conv2d conv2_;
  BatchNorm bn2_;
  Conv2d conv3_;
  BatchNorm bn3_;
  std::unique_ptr<Downsample> downsample_;
};

}  // namespace

Architecture parse_architecture(const std::string& name) {
  if (name == "resnet18") return Architecture::resnet18;
  if (name == "resnet50") return Architecture::resnet50;
  fail("--arch {} is not known; there are resnet18 and resnet50", name);
}

Stem parse_stem(const std::string& name) {
  if (name == "imagenet") return Stem::imagenet;
  if (name == "small") return Stem::small;
  fail("--stem {} is not known; there are imagenet and small", name);
}

ResNet::ResNet(const ResNetOptions& options)
    : stem_(options.stem),
      bn_groups_(options.bn_groups),
      conv1_(options.channels, options.width, stem_ == Stem::small ? 3 : 7, stem_ == Stem::small ? 1 : 2,
             stem_ == Stem::small ? 1 : 3),
      bn1_(options.width, options.bn_groups) {
  add_child("conv1", conv1_);
  add_child("bn1", bn1_);
  const bool deep = options.architecture == Architecture::resnet50;
  const std::vector<int> depths = deep ? std::vector{3, 4, 6, 3} : std::vector{2, 2, 2, 2};
  int64_t in = options.width;
  for (size_t s = 0; s < depths.size(); ++s) {
    auto stage = std::make_unique<Module>();
    const std::string name = fmt::format("layer{}", s + 1);
    const int64_t width = options.width << s;
    for (int b = 0; b < depths[s]; ++b) {
      const int64_t stride = s > 0 && b == 0 ? 2 : 1;
      if (deep) {
        blocks_.push_back(std::make_unique<Bottleneck>(in, width, stride, bn_groups_));
        in = width * Bottleneck::expansion;
      } else {
        blocks_.push_back(std::make_unique<BasicBlock>(in, width, stride, bn_groups_));
        in = width * BasicBlock::expansion;
      }
      stage->add_child(std::to_string(b), *blocks_.back());
      parts_.push_back({fmt::format("{}.{}", name, b), blocks_.back().get(), b + 1 == depths[s]});
    }
    add_child(name, *stage);
    stages_.push_back(std::move(stage));
  }
  features_ = in;
}

// Batch normalisation takes its groups from runs of images, so a batch is dealt out once at the entrance and gathered
// again at the exit: image n sits in run n mod bn_groups.
Variable ResNet::forward(const Variable& images) {
  if (bn_groups_ == 1 || !training()) return forward_in_order(images);
  const int64_t count = images.shape()[0], per_group = count / bn_groups_;
  require(count % bn_groups_ == 0, "--bn split:{} does not divide a batch of {} images", bn_groups_, count);
  const Device device = images.value().device();
  const Variable dealt = permute_rows(images, ops::interleaved_order(count, bn_groups_, device));
  return permute_rows(forward_in_order(dealt), ops::interleaved_order(count, per_group, device));
}

Variable ResNet::forward_in_order(const Variable& images) {
  Variable x;
  {
    const PartScope part("stem", images, true);
    x = bn1_.forward(conv1_.forward(images), {.relu = true});
    if (stem_ == Stem::imagenet) x = max_pool(x, 3, 2, 1);
  }
  for (const Part& p : parts_) {
    const PartScope part(p.name, x, p.ends_stage);
    x = p.block->forward(x);
  }
  return global_average_pool(x);
}

}  // namespace minissl
