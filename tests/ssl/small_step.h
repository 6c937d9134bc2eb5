#pragma once
#include <array>
#include <memory>
#include <string>

#include "ssl/registry.h"
#include "ssl/step_memory.h"
#include "ssl/training_step.h"
#include "tests/ssl/random_tensor.h"

/// Training steps of small methods, for tests of what a step takes and gives.
namespace minissl {

/// Widths of the heads and the queue that make a method small.
class Small final : public OptionVisitor {
 public:
  void visit(const char* name, int64_t& value, const char*) override { value = std::string(name) == "queue" ? 96 : 16; }
  void visit(const char*, double&, const char*) override {}
  void visit(const char*, bool&, const char*) override {}
  void visit(const char*, std::string&, const char*) override {}
  void visit(const char*, std::array<double, 3>&, const char*) override {}
};

inline StepDescription describe(const std::string& method, Architecture arch = Architecture::resnet18,
                                const Shape& images = {8, 32, 32, 3}, Stem stem = Stem::imagenet, int64_t width = 64) {
  const auto make = [=](DType dtype) {
    const auto config = find_method(method).config();
    Small small;
    config->visit(small);
    return config->make({.architecture = arch, .stem = stem, .channels = images[3], .width = width}, 0, dtype);
  };
  return {.make = make, .optimizer = {}, .images = images};
}

/// A step that is really made.
class RealStep {
 public:
  explicit RealStep(const StepDescription& step)
      : memory_(allocator(step.device)),
        before_(memory_.usage().live),
        method_(step.make(step.dtype)),
        optimizer_(make_optimizer(step.optimizer, method_->online(), method_->rules())) {
    const auto view = [&](uint32_t number) {
      const TagScope tag(MemoryTag::data);
      return random_tensor(step.images, number).to(step.activations).to(step.device);
    };
    const int64_t count = step.images[0];
    views_ = {view(1), view(2), draw_shuffle(count, 0, 0, 0), draw_shuffle(count, 0, 0, 1)};
    peak({});  // what is cached is made
  }
  /// Of its tensors, as the allocator saw it.
  int64_t peak(const RecomputePlan& plan) {
    TrainingStep step(*method_, *optimizer_, {.recompute = plan, .cuda_graph = false});
    memory_.reset_peak();
    step.run({0, 2}, optimizer_->constant_rates(1e-4), [&] { return views_; });
    step.result(true);
    return memory_.usage().peak - before_;
  }

 private:
  Allocator& memory_;
  int64_t before_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<Optimizer> optimizer_;
  Views views_;
};

}  // namespace minissl
