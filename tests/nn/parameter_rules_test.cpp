#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "nn/layers.h"
#include "nn/optimizer.h"
#include "nn/parameter_rule.h"

/// Parameters with their own update rules, in float64, compared with recurrences written out here.
namespace minissl {
namespace {

namespace fs = std::filesystem;

// Two parameters of a Linear(2, 2): a weight, and a bias that starts at 1.
class TwoParameters {
 public:
  TwoParameters() {
    net_.to(DType::f64);
    net_.initialize(1);
    arena_ = std::make_unique<ParameterArena>(net_);
    arena_->values().slice(arena_->segments()[1].offset, {2}).fill(1);
  }
  ParameterArena& arena() { return *arena_; }
  // The first element of a parameter.
  double weight() const { return at(0); }
  double bias() const { return at(1); }
  void set_gradients(double of_weight, double of_bias) const {
    arena_->gradients().mutable_data<double>()[arena_->segments()[0].offset] = of_weight;
    arena_->gradients().mutable_data<double>()[arena_->segments()[1].offset] = of_bias;
  }

 private:
  double at(size_t parameter) const { return arena_->values().at(arena_->segments()[parameter].offset); }

  Linear net_{2, 2};
  std::unique_ptr<ParameterArena> arena_;
};

ParameterRules rule_of_bias(const ParameterRule& rule) {
  return [rule](const std::string& name, const Shape&) { return name == "bias" ? rule : ParameterRule{}; };
}

// PyTorch's optimizers on one number, with its own step count.
struct AdamWReference {
  void step(double g, double lr, double weight_decay) {
    ++t;
    value *= 1 - lr * weight_decay;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    value -= lr / (1 - std::pow(0.9, t)) * m / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
  }
  double value, m = 0, v = 0;
  int t = 0;
};
struct SgdReference {
  void step(double g, double lr, double weight_decay) {
    g += weight_decay * value;
    buffer = t++ == 0 ? g : 0.9 * buffer + g;
    value -= lr * buffer;
  }
  double value, buffer = 0;
  int t = 0;
};
struct LionReference {
  void step(double g, double lr, double weight_decay) {
    const double c = 0.9 * m + (1 - 0.9) * g;
    const double sign = c > 0 ? 1 : c < 0 ? -1 : 0;
    value = value - lr * (sign + weight_decay * value);
    m = 0.99 * m + (1 - 0.99) * g;
  }
  double value, m = 0;
};

double gradient_of(int step) { return std::sin(1.7 * step) + 0.2; }
double lr_of(int step) { return 0.1 / (1 + step); }

// Steps 1 to 9, some with a frozen bias; both parameters must match the reference.
template <class ReferenceRule>
void expect_skips_as_pytorch(const char* kind, const std::function<bool(int)>& frozen) {
  TwoParameters net;
  int step = 0;
  const auto optimizer = make_optimizer(
      {.kind = kind, .weight_decay = 0.3}, net.arena(),
      [&](const std::string& name, const Shape&) { return ParameterRule{.frozen = name == "bias" && frozen(step)}; });
  ReferenceRule weight{net.weight()}, bias{net.bias()};
  for (step = 1; step < 10; ++step) {
    const double g = gradient_of(step);
    net.set_gradients(g, -g);
    optimizer->step(lr_of(step));
    weight.step(g, lr_of(step), 0.3);
    if (!frozen(step)) bias.step(-g, lr_of(step), 0.3);
    EXPECT_NEAR(net.weight(), weight.value, 1e-12) << kind << ", step " << step;
    EXPECT_NEAR(net.bias(), bias.value, 1e-12) << kind << ", step " << step;
  }
}

TEST(ParameterRules, AFrozenParameterIsSkippedAsInPyTorch) {
  const std::function<bool(int)> cases[] = {[](int) { return false; }, [](int step) { return step <= 3; },
                                            [](int step) { return step >= 4 && step <= 6; },
                                            [](int step) { return step % 2 == 0; }};
  for (const auto& frozen : cases) {
    expect_skips_as_pytorch<AdamWReference>("adamw", frozen);
    expect_skips_as_pytorch<SgdReference>("sgd", frozen);
    expect_skips_as_pytorch<LionReference>("lion", frozen);
  }
}

TEST(ParameterRules, LarsLeavesAFrozenParameterAlone) {
  TwoParameters net;
  bool frozen = true;
  const auto optimizer =
      make_optimizer({.kind = "lars", .weight_decay = 0.3}, net.arena(),
                     [&](const std::string&, const Shape&) { return ParameterRule{.frozen = frozen}; });
  net.set_gradients(0.5, 2);
  const std::vector<double> before = net.arena().values().to_vector();
  optimizer->step(0.1);
  EXPECT_EQ(net.arena().values().to_vector(), before);
  frozen = false;
  optimizer->step(0.1);
  EXPECT_NEAR(net.bias(), 1 - 0.1 * 2, 1e-12) << "its momentum is as it was";
  EXPECT_NE(net.weight(), before[0]);
}

TEST(ParameterRules, RateAndDecayAreFactors) {
  for (const char* kind : {"adamw", "lion"}) {
    TwoParameters net;
    const auto optimizer =
        make_optimizer({.kind = kind, .weight_decay = 0.3}, net.arena(), rule_of_bias({.rate = 0.25, .decay = 2}));
    AdamWReference adamw{net.bias()};
    LionReference lion{net.bias()};
    for (int step = 1; step < 6; ++step) {
      net.set_gradients(1, gradient_of(step));
      optimizer->step(0.1);
      adamw.step(gradient_of(step), 0.025, 0.6);
      lion.step(gradient_of(step), 0.025, 0.6);
      EXPECT_NEAR(net.bias(), std::string(kind) == "adamw" ? adamw.value : lion.value, 1e-12);
    }
  }
}

TEST(ParameterRules, LayersMayLearnMoreSlowlyTheDeeperTheyAre) {
  struct Layers : Module {
    Layers() {
      for (int i = 0; i < 3; ++i) add_child(fmt::format("layer{}", i), layers[i]);
    }
    Linear layers[3] = {Linear(2, 2), Linear(2, 2), Linear(2, 2)};
  } net;
  net.initialize(1);
  ParameterArena arena(net);
  const auto rules = [](const std::string& name, const Shape&) {
    return ParameterRule{.rate = std::pow(0.5, 2 - (name.at(5) - '0'))};
  };
  const auto optimizer = make_optimizer({.kind = "sgd", .weight_decay = 0}, arena, rules);
  const Tensor before = arena.values().clone();
  arena.gradients().fill(1);
  optimizer->step(0.1);
  for (const ParameterArena::Segment& s : arena.segments())
    EXPECT_NEAR(before.at(s.offset) - arena.values().at(s.offset), 0.1 * std::pow(0.5, 2 - (s.name.at(5) - '0')), 1e-6)
        << s.name;
}

TEST(ParameterRules, AConstantRateIsThePeakWhateverTheScheduleSays) {
  TwoParameters net;
  const auto optimizer =
      make_optimizer({.kind = "adamw", .weight_decay = 0.3}, net.arena(), rule_of_bias({.constant_rate = true}));
  AdamWReference weight{net.weight()}, bias{net.bias()};
  for (int step = 1; step < 6; ++step) {
    net.set_gradients(1, -1);
    optimizer->step(StepRates{lr_of(step), 0.2, 0.3});
    weight.step(1, lr_of(step), 0.3);
    bias.step(-1, 0.2, 0.3);
    EXPECT_NEAR(net.weight(), weight.value, 1e-12);
    EXPECT_NEAR(net.bias(), bias.value, 1e-12);
  }
}

TEST(ParameterRules, WeightDecayMayFollowASchedule) {
  TwoParameters net;
  const auto optimizer = make_optimizer({.kind = "adamw"}, net.arena());
  AdamWReference bias{net.bias()};
  for (int step = 1; step < 6; ++step) {
    net.set_gradients(0, 0.5);
    optimizer->step(StepRates{0.1, 0.1, 0.04 * step});
    bias.step(0.5, 0.1, 0.04 * step);
    EXPECT_NEAR(net.bias(), bias.value, 1e-12);
  }
}

TEST(ParameterRules, AMethodsRulesAndTheDecayScopeBothHold) {
  TwoParameters net;
  const auto optimizer = make_optimizer({.kind = "adamw", .weight_decay = 0.5, .decay_scope = "weights"}, net.arena(),
                                        [](const std::string&, const Shape&) { return ParameterRule{.decay = 2}; });
  const double weight = net.weight();
  net.set_gradients(0, 0);
  optimizer->step(0.1);
  EXPECT_NEAR(net.weight(), weight * (1 - 0.1 * 1.0), 1e-12);
  EXPECT_EQ(net.bias(), 1);
}

TEST(ParameterRules, AnAverageFollowsFrozenValues) {
  TwoParameters net, target;
  ParameterArena& average = target.arena();
  average.values().fill(3);
  const auto optimizer = make_optimizer({.kind = "sgd"}, net.arena(), rule_of_bias({.frozen = true}));
  net.set_gradients(0, 5);
  optimizer->step(0.1, 1, {&average, 0.5});
  EXPECT_EQ(net.bias(), 1);
  EXPECT_NEAR(target.bias(), 2, 1e-12);
}

TEST(ParameterRules, FactorsAreNotNegative) {
  TwoParameters net;
  const auto optimizer = make_optimizer({}, net.arena(), rule_of_bias({.rate = -1}));
  try {
    optimizer->step(0.1);
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("the rule of bias has the factor -1"), std::string::npos) << e.what();
  }
}

class OptimizerState : public testing::Test {
 protected:
  ~OptimizerState() override { fs::remove(file_); }
  static ParameterRules freezing(const bool& frozen) {
    return
        [&frozen](const std::string& name, const Shape&) { return ParameterRule{.frozen = frozen && name == "bias"}; };
  }
  std::string refusal(const char* kind) {
    TwoParameters net;
    try {
      make_optimizer({.kind = kind}, net.arena())->load_state(SafetensorsReader(file_));
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  const fs::path file_ = fs::temp_directory_path() / fmt::format("minissl-rules-{}.safetensors", getpid());
};

TEST_F(OptimizerState, HoldsTheCountsOfAParameterThatWasFrozen) {
  TwoParameters net, copy;
  bool frozen = true;
  const auto optimizer = make_optimizer({.kind = "adamw"}, net.arena(), freezing(frozen));
  net.set_gradients(0.5, 0.5);
  for (int i = 0; i < 3; ++i) optimizer->step(0.1);
  frozen = false;
  optimizer->step(0.1);
  save_safetensors(file_, optimizer->state());
  EXPECT_EQ(SafetensorsReader(file_).read("optimizer.skipped").to_vector(), (std::vector<double>{0, 3}));
  copy.arena().values().copy_from(net.arena().values());
  copy.set_gradients(0.5, 0.5);
  const auto resumed = make_optimizer({.kind = "adamw"}, copy.arena(), freezing(frozen));
  resumed->load_state(SafetensorsReader(file_));
  optimizer->step(0.1);
  resumed->step(0.1);
  EXPECT_EQ(net.arena().values().to_vector(), copy.arena().values().to_vector());
}

TEST_F(OptimizerState, IsThatOfOldFilesIfNothingWasFrozen) {
  TwoParameters net;
  const auto optimizer = make_optimizer({.kind = "adamw"}, net.arena());
  optimizer->step(0.1);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer->state()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"optimizer.steps", "optimizer.first", "optimizer.second"}));
  // A file without counts resets them to 0.
  save_safetensors(file_, optimizer->state());
  TwoParameters other;
  const bool frozen = true;
  const auto reader = make_optimizer({.kind = "adamw"}, other.arena(), freezing(frozen));
  reader->step(0.1);
  EXPECT_EQ(reader->state().size(), 4U);
  reader->load_state(SafetensorsReader(file_));
  EXPECT_EQ(reader->state().size(), 3U);
}

TEST_F(OptimizerState, OfAnotherKindIsRefused) {
  TwoParameters net;
  save_safetensors(file_, make_optimizer({.kind = "sgd"}, net.arena())->state());
  EXPECT_NE(refusal("adamw").find("no optimizer.second in it; it was not written by the optimizer adamw"),
            std::string::npos)
      << refusal("adamw");
  save_safetensors(file_, make_optimizer({.kind = "adamw"}, net.arena())->state());
  for (const char* kind : {"sgd", "lars", "lion"})
    EXPECT_NE(refusal(kind).find(fmt::format("it was not written by the optimizer {}", kind)), std::string::npos)
        << refusal(kind);
}

}  // namespace
}  // namespace minissl
