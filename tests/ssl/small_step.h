#pragma once
#include <array>
#include <memory>
#include <string>

#include "nn/backbones/resnet.h"
#include "nn/backbones/token_encoder.h"
#include "nn/backbones/vision_transformer.h"
#include "ssl/registry.h"
#include "ssl/step/step_memory.h"
#include "ssl/step/training_step.h"
#include "tests/ssl/random_tensor.h"

/// Training steps of small methods, to test a step's memory and results.
namespace minissl {

/// Sets an option that is a size, so that a method is small; counts of epochs, steps and rounds stay as they are.
inline void make_small(const std::string& name, int64_t& value, int64_t width, int64_t queue) {
  if (name.ends_with("-epochs") || name.ends_with("-steps") || name == "sinkhorn" || name.starts_with("token-l") ||
      name == "token-size" || name.starts_with("mask"))
    return;
  value = name == "queue"                                    ? queue
          : name == "local-crops" || name == "decoder-depth" ? 2
          : name == "decoder-dim"                            ? std::max<int64_t>(32, width)  // SparK halves it
          : name == "decoder-heads"                          ? 4
                                                             : width;
}

/// A small backbone of the family that a method has by default, for square images (N, S, S, C): `resnet`, a Vision
/// Transformer of its width, or a tokenizer's encoder.
inline std::unique_ptr<BackboneConfig> small_backbone(const std::string& method, ResNetOptions resnet,
                                                      const Shape& images) {
  resnet.channels = images[3];
  const std::string& arch = find_method(method).arch;
  if (arch == "token_encoder") {
    auto encoder = std::make_unique<TokenEncoderConfig>();
    encoder->channels = images[3];
    encoder->size = images[1];
    return encoder;
  }
  if (!arch.starts_with("vit")) return std::make_unique<ResNetConfig>(resnet);
  return std::make_unique<VisionTransformerConfig>(VisionTransformerOptions{.channels = images[3],
                                                                            .size = images[1],
                                                                            .patch = images[1] % 4 == 0 ? 4 : 2,
                                                                            .width = resnet.width,
                                                                            .depth = 4,
                                                                            .heads = 4});
}

/// Widths of the heads and the queue that make a method small.
class Small final : public OptionVisitor {
 public:
  void visit(const char* name, int64_t& value, const char*) override { make_small(name, value, 16, 96); }
  void visit(const char*, double&, const char*) override {}
  void visit(const char*, bool&, const char*) override {}
  void visit(const char*, std::string&, const char*) override {}
  void visit(const char*, std::array<double, 2>&, const char*) override {}
  void visit(const char*, std::array<double, 3>&, const char*) override {}
};

/// A batch as a method requests it, with random numbers in every view; `number` distinguishes batches.
inline Batch random_batch(const Method& method, const Shape& images, int64_t number, DType dtype = DType::f32,
                          Device device = {}) {
  const BatchRequest request = method.request({}, images[1]);
  Batch batch;
  for (int64_t view = 0; view < request.views(); ++view) {
    const TagScope tag(MemoryTag::data);
    const int64_t size = request.group_of(view).size;
    const auto seed = static_cast<uint64_t>(request.views() * number + view + 1);
    batch.views.push_back(random_tensor({images[0], size, size, images[3]}, seed).to(dtype).to(device));
  }
  batch.drawn = request.drawn({0, number, images[0]});
  return batch;
}

inline StepDescription describe(const std::string& method, const ResNetDepth& depth = resnet18,
                                const Shape& images = {8, 32, 32, 3}, Stem stem = Stem::imagenet, int64_t width = 64) {
  // SparK hides some cells of each image, of 32 pixels without the small stem.
  if (method == "spark" && images[1] < 64) stem = Stem::small;
  const auto make = [=](DType dtype) {
    const auto config = find_method(method).config();
    Small small;
    config->visit(small);
    return config->make(*small_backbone(method, {.depth = depth, .stem = stem, .width = width}, images), 0, dtype);
  };
  return {.make = make, .optimizer = {}, .images = images};
}

/// A step that really runs.
class RealStep {
 public:
  explicit RealStep(const StepDescription& step)
      : memory_(allocator(step.device)),
        before_(memory_.usage().live),
        method_(step.make(step.dtype)),
        optimizer_(make_optimizer(step.optimizer, method_->online(), method_->rules())) {
    batch_ = random_batch(*method_, step.images, 0, step.activations, step.device);
    peak({});  // fills the caches
  }
  /// The peak of its tensors, as the allocator saw it.
  int64_t peak(const RecomputePlan& plan) {
    TrainingStep step(*method_, *optimizer_, {.recompute = plan}, TrainingStep::Graphs::off);
    memory_.reset_peak();
    step.run({0, 2}, optimizer_->constant_rates(1e-4), [&] { return batch_; });
    step.result(true);
    return memory_.usage().peak - before_;
  }

 private:
  Allocator& memory_;
  int64_t before_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<Optimizer> optimizer_;
  Batch batch_;
};

}  // namespace minissl
