#include <gtest/gtest.h>

#include "autograd/variable.h"
#include "nn/backbones/resnet.h"
#include "nn/schedule.h"
#include "ssl/methods/byol.h"
#include "ssl/registry.h"
#include "tests/ssl/small_step.h"

namespace minissl {
namespace {

const ResNetConfig tiny_network({.depth = resnet18, .stem = Stem::small, .channels = 1, .width = 16});

// Sets the widths, so that a step is quick.
class Narrow : public OptionVisitor {
 public:
  void visit(const char* name, int64_t& value, const char*) override { make_small(name, value, 8, 16); }
  void visit(const char* name, double& value, const char*) override {
    if (std::string(name) == "variance-weight") value = variance_weight;
  }
  void visit(const char*, bool&, const char*) override {}
  void visit(const char*, std::string&, const char*) override {}
  void visit(const char*, std::array<double, 2>&, const char*) override {}
  void visit(const char*, std::array<double, 3>&, const char*) override {}

  double variance_weight = 0;
};

std::unique_ptr<Method> narrow(const MethodEntry& entry, double variance_weight = 0) {
  const auto config = entry.config();
  Narrow visitor;
  visitor.variance_weight = variance_weight;
  config->visit(visitor);
  const ResNetOptions network{.depth = resnet18, .stem = Stem::small, .width = 16};
  return config->make(*small_backbone(entry.name, network, {4, 16, 16, 1}), 1, DType::f32);
}

// Such methods have a second space, and the variance term.
bool compares_projections(const MethodEntry& entry) { return narrow(entry)->variance_term() != nullptr; }

// The ranges of options hold without a command line, too.
TEST(MethodOptions, WhatIsOutOfRangeIsRefusedByTheMethodItself) {
  EXPECT_THROW(BYOL({.dim = 0}, tiny_network, 1), Error);
  EXPECT_THROW(BYOL({.dim = 8, .hidden = int64_t{1} << 40}, tiny_network, 1), Error);
  EXPECT_THROW(BYOL({.dim = 8, .hidden = 8, .variance_weight = NAN}, tiny_network, 1), Error);
  for (const MethodEntry& entry : methods()) {
    if (!compares_projections(entry)) continue;
    for (const double weight : {-1.0, std::nan(""), HUGE_VAL}) EXPECT_THROW(narrow(entry, weight), Error) << entry.name;
  }
}

class EveryMethod : public testing::TestWithParam<MethodEntry> {
 protected:
  std::unique_ptr<Method> method_ = narrow(GetParam());
  Batch batch_ = random_batch(*method_, {4, 16, 16, 1}, 0);
};

TEST_P(EveryMethod, GivesEachOfItsOnlineParametersAGradient) {
  StepLog log;
  backward(method_->loss(batch_, log));
  const ParameterArena& online = method_->online();
  for (const ParameterArena::Segment& s : online.segments()) {
    const Tensor gradient = online.gradients().slice(s.offset, s.shape);
    double square = 0;
    for (const double g : gradient.to_vector()) square += g * g;
    EXPECT_GT(square, 0) << s.name;
  }
}

TEST_P(EveryMethod, AddsTheVarianceTermOfItsRawProjections) {
  if (!compares_projections(GetParam())) return;
  const auto loss_with = [&](double weight) {
    const auto method = narrow(GetParam(), weight);
    StepLog log;
    const double loss = method->loss(batch_, log).value().item();
    double variance = NAN;
    for (const auto& [name, value] : log.terms())
      if (name == "variance") variance = value.item();
    return std::pair(loss, variance);
  };
  const auto [without, unused] = loss_with(0);
  const auto [with, variance] = loss_with(2);
  EXPECT_GT(variance, 0);
  EXPECT_NEAR(with, without + 2 * variance, 1e-4 * std::abs(with));
}

TEST_P(EveryMethod, EmbedsInEvaluationModeAndLeavesNoTrace) {
  const auto state = [&] {
    std::vector<std::vector<double>> all;
    for (const StateEntry& e : method_->state()) all.push_back(e.tensor().to_vector());
    return all;
  };
  const auto before = state();
  const std::vector<Space> spaces = method_->embed(batch_.views[0]);
  ASSERT_EQ(spaces.size(), compares_projections(GetParam()) ? 2U : 1U);
  EXPECT_EQ(spaces[0].name, "backbone");
  EXPECT_EQ(spaces[0].rows.shape(), (Shape{4, method_->backbone().features()}));
  if (spaces.size() > 1) {
    EXPECT_EQ(spaces[1].name, "projection");
    EXPECT_EQ(spaces[1].rows.shape(), (Shape{4, 8}));
  }
  EXPECT_EQ(state(), before);
  EXPECT_TRUE(method_->training());
}

TEST_P(EveryMethod, RefusesANegativeVarianceWeight) {
  if (!compares_projections(GetParam())) return;
  EXPECT_THROW(narrow(GetParam(), -1), Error);
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryMethod, testing::ValuesIn(methods()),
                         [](const auto& info) { return info.param.name; });

TEST(Registry, NamesTheMethodsItKnows) {
  try {
    find_method("dinosaur");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "method dinosaur is not known; there are moco, barlow, vicreg, simclr, simsiam, byol, dino, mocov3, "
                 "mae, spark, swav, beit, dvae");
  }
}

TEST(BYOLTarget, StartsAsACopyAndMovesOnlyAfterTheStep) {
  BYOL byol({.dim = 8, .hidden = 8, .momentum = {.start = 0.75}}, tiny_network, 1);
  const auto state_of = [&](const std::string& wanted) {
    for (const StateEntry& e : byol.state())
      if (e.name == wanted) return e.tensor().to_vector();
    ADD_FAILURE() << wanted << " is not there";
    return std::vector<double>();
  };
  for (const StateEntry& e : byol.parameters())
    if (e.name.starts_with("target_")) {
      EXPECT_EQ(e.tensor().to_vector(), state_of(e.name.substr(7))) << e.name;
      EXPECT_FALSE(e.parameter->requires_grad()) << e.name;
    }
  const char *first = "target_backbone.conv1.weight", *last = "target_projector.3.weight";
  const auto first_before = state_of(first), last_before = state_of(last);
  byol.online().values().fill(1);
  byol.before_batches();
  EXPECT_EQ(state_of(first), first_before);
  // A step of no length.
  make_optimizer({.kind = "sgd", .weight_decay = 0}, byol.online())->step(0, 1, byol.follower());
  for (const auto& [name, before] : {std::pair(first, first_before), std::pair(last, last_before)}) {
    const auto after = state_of(name);
    for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], 0.75 * before[i] + 0.25, 1e-6) << name;
  }
}

// Cosine schedule, SGD without momentum: every parameter moves by its rate times its gradient.
TEST(SimSiam, MovesItsPredictorAtThePeakRateAndTheRestByTheSchedule) {
  const auto method = narrow(find_method("simsiam"));
  const auto optimizer =
      make_optimizer({.kind = "sgd", .weight_decay = 0, .momentum = 0}, method->online(), method->rules());
  const Schedule schedule{"cosine", 0.5, 1, 5};
  TrainingStep step(*method, *optimizer, {});
  const ParameterArena& online = method->online();
  int of_predictor = 0, others = 0;
  for (int64_t i = 0; i < 5; ++i) {
    const Tensor before = online.values().clone();
    step.run({i, 5}, StepRates{schedule.at(i), schedule.peak, 0}, [&] {
      return random_batch(*method, {4, 12, 12, 1}, i);
    });
    step.result(true);
    for (const ParameterArena::Segment& s : online.segments()) {
      const bool predictor = s.name.starts_with("predictor.");
      predictor ? ++of_predictor : ++others;
      const double rate = predictor ? 0.5 : schedule.at(i);
      const auto was = before.slice(s.offset, s.shape).to_vector();
      const auto is = online.values().slice(s.offset, s.shape).to_vector();
      const auto gradient = online.gradients().slice(s.offset, s.shape).to_vector();
      for (size_t k = 0; k < was.size(); ++k)
        ASSERT_NEAR(is[k], was[k] - rate * gradient[k], 1e-6 * (std::abs(was[k]) + std::abs(gradient[k])))
            << s.name << ", step " << i;
    }
  }
  EXPECT_GT(of_predictor, 0);
  EXPECT_GT(others, 0);
}

TEST(MomentumSchedule, FollowsACosineOverTheOptimizersSteps) {
  const MomentumSchedule constant{.start = 0.9}, cosine{.start = 0.9, .end = 1};
  EXPECT_EQ(constant.at({70, 100}), 0.9);
  EXPECT_NEAR(cosine.at({0, 100}), 0.9, 1e-12);
  EXPECT_NEAR(cosine.at({50, 100}), 0.95, 1e-12);
  EXPECT_NEAR(cosine.at({100, 100}), 1, 1e-12);
  EXPECT_NEAR(cosine.at({25, 100}), 1 - 0.1 * (1 + std::sqrt(0.5)) / 2, 1e-12);
  EXPECT_THROW(MomentumSchedule({.start = 0.9, .end = 1.5}).check(), Error);
}

TEST(StepPosition, KnowsItsEpoch) {
  EXPECT_EQ((StepPosition{.step = 11, .total_steps = 40, .steps_per_epoch = 4}.epoch()), 2);
  EXPECT_EQ((StepPosition{.step = 12, .total_steps = 40, .steps_per_epoch = 4}.epoch()), 3);
}

}  // namespace
}  // namespace minissl
