#include "ssl/methods/dino.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "nn/backbones/resnet.h"
#include "ssl/step/step.h"
#include "tests/ssl/small_step.h"

/// What is easy to get wrong in DINO, mistake by mistake. tests/apps/parity_test.cpp compares whole steps with PyTorch.
namespace minissl {
namespace {

const ResNetConfig tiny_network({.depth = resnet18, .stem = Stem::small, .channels = 1, .width = 8});

// The widths of a quick step; the momentum is constant.
DINOOptions tiny() {
  DINOOptions options{.dim = 12, .hidden = 8, .bottleneck = 6, .head_bn = true};
  options.crops.local_crops = 3;
  options.crops.local_size = 8;
  options.momentum = {.start = 0.75, .end = 0};
  return options;
}

std::vector<double> state_of(DINO& dino, const std::string& name) {
  for (const StateEntry& e : dino.state())
    if (e.name == name) return e.tensor().to_vector();
  ADD_FAILURE() << name << " is not there";
  return {};
}

double norm_of(const Tensor& t) {
  double square = 0;
  for (const double v : t.to_vector()) square += v * v;
  return std::sqrt(square);
}

// Steps on batches of their own, each step an epoch.
class Steps final : public StepObserver {
 public:
  explicit Steps(DINO& dino, const StepOptions& options = {}, const OptimizerOptions& optimizer = {})
      : dino_(dino),
        optimizer_(make_optimizer(optimizer, dino.online(), dino.rules())),
        step_(dino, *optimizer_, options) {}
  void run(double lr = 0.01) {
    step_.run(
        {.step = number_++, .total_steps = 10}, optimizer_->constant_rates(lr),
        [&] {
          return random_batch(dino_, {4, 12, 12, 1}, batches_++);
        },
        *this);
  }

  Tensor unclipped_gradients, clipped_gradients;   // of the last step
  std::vector<std::vector<double>> teacher_means;  // of all batches
  std::vector<std::vector<double>> centers;        // that they saw

 private:
  StepLog::Keep keep() const override { return StepLog::Keep::everything; }
  void before_backward(const Variable&, const StepLog& log) override {
    centers.push_back(state_of(dino_, "center"));
    for (const auto& [name, value] : log.tensors())
      if (name == "teacher") teacher_means.push_back(OutputCenter::mean(value).to_vector());
  }
  void before_update() override { unclipped_gradients = dino_.online().gradients().clone(); }
  void clipped(const Tensor& /*scale*/) override { clipped_gradients = dino_.online().gradients().clone(); }

  DINO& dino_;
  std::unique_ptr<Optimizer> optimizer_;
  Step step_;
  int64_t number_ = 0, batches_ = 0;
};

TEST(DINO, MovesItsCenterOnceAStepAfterAllOfTheStepsLosses) {
  DINO dino(tiny(), tiny_network, 1);
  Steps steps(dino, {.accumulate = 2});
  for (int64_t step = 0; step < 2; ++step) {
    const auto before = state_of(dino, "center");
    steps.run();
    const auto after = state_of(dino, "center");
    const auto first = static_cast<size_t>(2 * step);
    for (const size_t batch : {first, first + 1}) EXPECT_EQ(steps.centers.at(batch), before) << "batch " << batch;
    for (size_t k = 0; k < after.size(); ++k) {
      const double mean = (steps.teacher_means.at(first)[k] + steps.teacher_means.at(first + 1)[k]) / 2;
      EXPECT_NEAR(after[k], 0.9 * before[k] + 0.1 * mean, 1e-6);
    }
  }
}

// No decay, no moments, no count: the first step after the frozen epoch is AdamW's first.
TEST(DINO, LeavesTheLastLayerAndItsMomentsAloneInTheFrozenEpoch) {
  DINO dino(tiny(), tiny_network, 1);
  constexpr double lr = 0.01, decay = 0.5;
  Steps steps(dino, {}, {.weight_decay = decay});
  const char* last = "student.head.last_layer.weight_v";
  const auto initial = state_of(dino, last), other = state_of(dino, "student.head.mlp.0.weight");
  steps.run(lr);
  EXPECT_EQ(state_of(dino, last), initial);
  EXPECT_NE(state_of(dino, "student.head.mlp.0.weight"), other);
  const auto gradient_of_last = [&] {
    for (const ParameterArena::Segment& s : dino.online().segments())
      if (s.name == "head.last_layer.weight_v") return steps.unclipped_gradients.slice(s.offset, s.shape);
    return Tensor();
  };
  EXPECT_GT(norm_of(gradient_of_last()), 0) << "it was frozen by its gradient";
  steps.run(lr);
  const auto moved = state_of(dino, last);
  const auto gradient = gradient_of_last().to_vector();
  for (size_t i = 0; i < moved.size(); ++i)
    EXPECT_NEAR(moved[i], initial[i] * (1 - lr * decay) - lr * gradient[i] / (std::abs(gradient[i]) + 1e-8), 1e-5);
}

TEST(DINO, ClipsEachParametersGradientAlone) {
  DINO dino(tiny(), tiny_network, 1);
  constexpr double bound = 0.02;
  Steps steps(dino, {.accumulate = 2, .clip_norm = bound});
  steps.run();
  int clipped = 0, kept = 0;
  for (const ParameterArena::Segment& s : dino.online().segments()) {
    const double before = norm_of(steps.unclipped_gradients.slice(s.offset, s.shape)) / 2,
                 after = norm_of(steps.clipped_gradients.slice(s.offset, s.shape)) / 2;
    EXPECT_NEAR(after, before * std::min(1.0, bound / (before + 1e-6)), 1e-6) << s.name;
    before > bound ? ++clipped : ++kept;
  }
  EXPECT_GT(clipped, 0);
  EXPECT_GT(kept, 0);
}

// The teacher follows the weights themselves, those of the last layer before they are normalised, as they are after the
// optimizer's step. Statistics are its own.
TEST(DINO, MovesTheTeacherAfterTheStepByParametersAlone) {
  DINOOptions options = tiny();
  options.freeze_last_epochs = 0;
  options.train_norm = true;
  DINO dino(options, tiny_network, 1);
  Steps steps(dino);
  std::map<std::string, std::vector<double>> before;
  for (const StateEntry& e : dino.state()) before[e.name] = e.tensor().to_vector();
  for (const auto& [name, values] : before)
    if (name.starts_with("teacher.")) {
      EXPECT_EQ(values, before.at("student." + name.substr(8))) << name;
    }
  steps.run();
  int followed = 0;
  for (const StateEntry& e : dino.state()) {
    if (!e.name.starts_with("teacher.")) continue;
    const auto after = e.tensor().to_vector(), student = state_of(dino, "student." + e.name.substr(8));
    if (e.buffer) {
      if (e.name.ends_with("running_mean")) {
        EXPECT_NE(after, student) << e.name;
      }
      continue;
    }
    ++followed;
    EXPECT_FALSE(e.parameter->requires_grad()) << e.name;
    const auto& old = before.at(e.name);
    for (size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], 0.75 * old[i] + 0.25 * student[i], 1e-6) << e.name;
  }
  EXPECT_GT(followed, 20);
}

// All crops of one size are one batch, the head's batch are all crops, and the teacher is in training mode.
TEST(DINO, NormalisesAllCropsOfOneSizeTogether) {
  DINO dino(tiny(), tiny_network, 1);
  Steps steps(dino);
  steps.run();
  const auto batches = [&](const std::string& norm) { return state_of(dino, norm + ".num_batches_tracked").at(0); };
  EXPECT_EQ(batches("student.backbone.bn1"), 2);
  EXPECT_EQ(batches("student.head.mlp.1"), 1);
  EXPECT_EQ(batches("teacher.backbone.bn1"), 1);
  EXPECT_EQ(batches("teacher.head.mlp.1"), 1);
}

TEST(DINO, DecaysWhateverHasTwoDimensionsOrMore) {
  const DINO dino(tiny(), tiny_network, 1);
  EXPECT_EQ(dino.rule("backbone.bn1.weight", {8}).decay, 0);
  EXPECT_EQ(dino.rule("head.mlp.0.bias", {8}).decay, 0);
  EXPECT_EQ(dino.rule("head.last_layer.weight_g", {12, 1}).decay, 1);
  EXPECT_EQ(dino.rule("backbone.cls_token", {1, 1, 8}).decay, 1);
  EXPECT_EQ(dino.rule("backbone.pos_embed", {1, 5, 8}).decay, 1);
}

TEST(DINO, WarmsItsTeacherUpEpochByEpoch) {
  DINOOptions options = tiny();
  options.warmup_teacher_temperature = 0.03;
  options.teacher_temperature = 0.06;
  for (const auto& [epochs, expected] : std::vector<std::pair<int64_t, std::vector<double>>>{
           {0, {0.06, 0.06}}, {1, {0.03, 0.06}}, {2, {0.03, 0.06, 0.06}}, {4, {0.03, 0.04, 0.05, 0.06, 0.06}}}) {
    options.warmup_teacher_epochs = epochs;
    const DINO dino(options, tiny_network, 1);
    for (size_t epoch = 0; epoch < expected.size(); ++epoch)
      EXPECT_NEAR(dino.teacher_temperature(static_cast<int64_t>(epoch)), expected[epoch], 1e-12) << epochs;
  }
}

TEST(DINO, AsksForCropsOfTwoSizes) {
  const DINO dino(tiny(), tiny_network, 1);
  Augmentation augmentation;
  augmentation.flip = 0.25f;
  const BatchRequest request = dino.request(augmentation, 12);
  EXPECT_EQ(request.view_names(), (std::vector<std::string>{"view1", "view2", "local1", "local2", "local3"}));
  EXPECT_EQ(request.group_of(1).size, 12);
  EXPECT_EQ(request.group_of(2).size, 8);
  EXPECT_EQ(request.group_of(1).augmentation.crop_scale, (std::array<float, 2>{0.4f, 1}));
  EXPECT_EQ(request.group_of(2).augmentation.crop_scale, (std::array<float, 2>{0.05f, 0.4f}));
  EXPECT_EQ(request.group_of(2).augmentation.flip, 0.25f);
  DINOOptions without = tiny();
  without.crops.local_crops = 0;
  EXPECT_EQ(DINO(without, tiny_network, 1).request(augmentation, 12).views(), 2);
}

// The names of the authors' state_dict.
TEST(DINO, HasNoParameterForLengthsThatAreNotTrained) {
  DINOOptions options = tiny();
  const auto trained = [&] {
    DINO dino(options, tiny_network, 1);
    std::set<std::string> names;
    for (const StateEntry& e : dino.parameters()) names.insert(e.name);
    EXPECT_EQ(state_of(dino, "student.head.last_layer.weight_g"), std::vector<double>(12, 1.0));
    return names.contains("student.head.last_layer.weight_g");
  };
  EXPECT_FALSE(trained());
  options.train_norm = true;
  EXPECT_TRUE(trained());
}

}  // namespace
}  // namespace minissl
