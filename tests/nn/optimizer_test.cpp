#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>
#include <unistd.h>

#include "nn/backbones/resnet.h"
#include "nn/layers.h"
#include "nn/optimizers/registry.h"
#include "nn/schedule.h"
#include "tensor/ops/update.h"
#include "tensor/profile.h"

namespace minissl {
namespace {

using testing::Contains;
using testing::Not;

TEST(Schedule, WarmsUpLinearlyThenFollowsHalfACosine) {
  const Schedule s{"cosine", 2.0, 4, 12};
  EXPECT_DOUBLE_EQ(s.at(0), 0.5);
  EXPECT_DOUBLE_EQ(s.at(3), 2.0);
  EXPECT_DOUBLE_EQ(s.at(4), 2.0);
  EXPECT_DOUBLE_EQ(s.at(8), 1.0);
  EXPECT_NEAR(s.at(11), 1 + std::cos(std::numbers::pi * 7 / 8), 1e-12);
  EXPECT_DOUBLE_EQ((Schedule{"constant", 2.0, 0, 12}).at(11), 2.0);
  EXPECT_THROW((Schedule{"step", 2.0, 0, 12}).at(0), Error);
}

TEST(CosineSchedule, MovesFromStartToEndOrStaysWithoutAnEnd) {
  const CosineSchedule s{0.04, 0.4, 100};
  EXPECT_DOUBLE_EQ(s.at(0), 0.04);
  EXPECT_NEAR(s.at(50), 0.22, 1e-12);
  EXPECT_NEAR(s.at(25), 0.4 - 0.18 * (1 + std::sqrt(0.5)), 1e-12);
  EXPECT_DOUBLE_EQ(s.at(100), 0.4);
  EXPECT_EQ((CosineSchedule{0.04, 0, 100}).at(100), 0);
  EXPECT_EQ((CosineSchedule{.start = 0.04}).at(70), 0.04);
}

TEST(Schedule, ErrorsSpeakOfTheOptionAndNameNoFlag) {
  const auto message_of = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  Linear net(3, 2);
  ParameterArena arena(net);
  EXPECT_EQ(message_of([] { Schedule{"linear"}.at(0); }),
            "`schedule` linear is not known; there are cosine and constant");
  EXPECT_EQ(message_of([&] { make_optimizer({.kind = "adam"}, arena); }),
            "`optimizer` adam is not known; there are adamw, sgd, lars and lion");
  EXPECT_EQ(message_of([&] { make_optimizer({.decay_scope = "norms"}, arena); }),
            "`decay-scope` norms is not known; there are all and weights");
}

TEST(GradientScale, ReducesLargeNormsAndLeavesSmallOnes) {
  const auto scale = [](double norm, double clip_norm, int64_t batches) {
    ops::GradientScale op{Tensor::full({1}, norm * norm, DType::f64), Tensor::empty({1}, DType::f64),
                          Tensor::empty({1}, DType::f64), batches, clip_norm};
    run(op);
    EXPECT_DOUBLE_EQ(op.norm.item(), norm / static_cast<double>(batches));
    return op.scale.item();
  };
  EXPECT_DOUBLE_EQ(scale(2, 0, 1), 1);
  EXPECT_DOUBLE_EQ(scale(2, 3, 1), 1);
  EXPECT_NEAR(scale(6, 3, 1), 0.5, 1e-6);
  EXPECT_DOUBLE_EQ(scale(6, 3, 4), 0.25);
  EXPECT_NEAR(scale(24, 3, 4), 0.125, 1e-6);
}

TEST(Optimizer, StateGoesThroughAFileAndTheNextStepIsTheSame) {
  const auto file = std::filesystem::temp_directory_path() / fmt::format("minissl-optimizer-{}.safetensors", getpid());
  for (const auto& [kind, make] : optimizers()) {
    Linear net(3, 2), copy(3, 2);
    net.initialize(1);
    copy.initialize(1);
    ParameterArena arena(net), copy_arena(copy);
    const auto optimizer = make_optimizer({.kind = kind, .weight_decay = 0.1}, arena);
    arena.gradients().fill(0.5);
    optimizer->step(0.1);
    save_safetensors(file, optimizer->state());
    copy_arena.values().copy_from(arena.values());
    copy_arena.gradients().fill(0.5);
    const auto resumed = make_optimizer({.kind = kind, .weight_decay = 0.1}, copy_arena);
    resumed->load_state(SafetensorsReader(file));
    EXPECT_EQ(resumed->steps(), 1);
    optimizer->step(0.1);
    resumed->step(0.1);
    EXPECT_EQ(arena.values().to_vector(), copy_arena.values().to_vector()) << kind;
  }
  std::filesystem::remove(file);
  Linear net(3, 2);
  ParameterArena arena(net);
  EXPECT_THROW(make_optimizer({.kind = "adam"}, arena), Error);
  EXPECT_THROW(make_optimizer({.decay_scope = "norms"}, arena), Error);
}

TEST(Optimizer, GradientScaleIsAPlainFactor) {
  Linear a(3, 2), b(3, 2);
  a.initialize(1);
  b.initialize(1);
  ParameterArena arena_a(a), arena_b(b);
  const OptimizerOptions sgd{.kind = "sgd", .weight_decay = 0};
  const auto scaled = make_optimizer(sgd, arena_a), plain = make_optimizer(sgd, arena_b);
  arena_a.gradients().fill(2);
  arena_b.gradients().fill(0.5);
  scaled->step(0.1, 0.25);
  plain->step(0.1);
  EXPECT_EQ(arena_a.values().to_vector(), arena_b.values().to_vector());
}

// Values of a Linear(2, 2): the weight [3, 0, 0, 4] of norm 5, the bias [1, 1].
struct TinyNet {
  TinyNet() {
    const auto& segments = arena.segments();
    const double weight[] = {3, 0, 0, 4};
    for (int64_t i = 0; i < 4; ++i)
      arena.values().mutable_data<float>()[segments[0].offset + i] = static_cast<float>(weight[i]);
    for (int64_t i = 0; i < 2; ++i) arena.values().mutable_data<float>()[segments[1].offset + i] = 1;
  }
  double weight(int64_t i) const { return arena.values().at(arena.segments()[0].offset + i); }
  double bias(int64_t i) const { return arena.values().at(arena.segments()[1].offset + i); }

  Linear net{2, 2};
  ParameterArena arena{net};
};

TEST(Optimizer, LarsAdaptsAndDecaysWeightsAlone) {
  TinyNet tiny;
  const auto optimizer =
      make_optimizer({.kind = "lars", .weight_decay = 0.5, .momentum = 0.9, .trust = 0.01}, tiny.arena);
  tiny.arena.gradients().fill(0);
  tiny.arena.gradients().mutable_data<float>()[tiny.arena.segments()[1].offset] = 2;
  optimizer->step(0.1);
  // g = 0.5 w of norm 2.5: scaled by 0.01 * 5 / 2.5, whatever its size.
  EXPECT_NEAR(tiny.weight(0), 3 - 0.1 * 0.02 * 1.5, 1e-6);
  EXPECT_NEAR(tiny.weight(3), 4 - 0.1 * 0.02 * 2.0, 1e-6);
  EXPECT_NEAR(tiny.bias(0), 1 - 0.1 * 2, 1e-6);  // neither adapted nor decayed
  EXPECT_EQ(tiny.bias(1), 1);
}

TEST(Optimizer, DecayScopeLeavesBiasesAlone) {
  for (const char* kind : {"adamw", "sgd", "lion"})
    for (const char* scope : {"all", "weights"}) {
      TinyNet tiny;
      const auto optimizer = make_optimizer({.kind = kind, .weight_decay = 0.5, .decay_scope = scope}, tiny.arena);
      tiny.arena.gradients().fill(0);
      optimizer->step(0.1);
      EXPECT_NEAR(tiny.weight(3), 4 * 0.95, 1e-6) << kind;
      EXPECT_NEAR(tiny.bias(0), std::string(scope) == "all" ? 0.95 : 1, 1e-6) << kind << ", " << scope;
    }
}

// A small network in bf16, to inspect the copies of its convolutions' weights.
class Bf16Copies : public testing::Test {
 protected:
  static constexpr ResNetOptions tiny{.depth = resnet18, .stem = Stem::small, .channels = 1, .width = 16};
  Bf16Copies() {
    net_.initialize(1);
    follower_.values().copy_from(arena_.values());
    arena_.gradients().fill(0.01);
  }
  static void forward(ResNet& net) { net.forward(Tensor::full({2, 8, 8, 1}, 0.5, DType::bf16)); }
  // The operations of the two networks' next forward passes.
  std::vector<std::string> operations_of_forward() {
    Profile profile;
    forward(net_);
    forward(following_);
    std::vector<std::string> names;
    for (const Profile::Event& e : profile.events()) names.emplace_back(e.operation);
    return names;
  }
  static void expect_copy_of(const ParameterArena& arena) {
    const Tensor& copy = arena.converted().tensor();
    ASSERT_TRUE(copy.defined());
    EXPECT_LT(copy.numel(), arena.values().numel()) << "the head is not used in bf16";
    EXPECT_EQ(copy.to_vector(), arena.values().slice(0, copy.shape()).to(DType::bf16).to_vector());
  }

  ResNet net_{tiny}, following_{tiny};
  Linear head_{128, 3};
  struct Both : Module {
    Both(ResNet& net, Linear& head) {
      add_child("net", net);
      add_child("head", head);
    }
  } both_{net_, head_};
  Linear following_head_{128, 3};
  Both following_both_{following_, following_head_};
  ParameterArena arena_{both_}, follower_{following_both_, ParameterArena::Gradients::none};
};

TEST_F(Bf16Copies, AreWrittenWithTheWeights) {
  for (const auto& [kind, make] : optimizers()) {
    const auto optimizer = make_optimizer({.kind = kind}, arena_);
    forward(net_);
    forward(following_);
    optimizer->step(0.1, 1, {&follower_, 0.5});
    expect_copy_of(arena_);
    expect_copy_of(follower_);
    EXPECT_THAT(operations_of_forward(), Not(Contains("cast"))) << kind;
  }
}

TEST_F(Bf16Copies, AreConvertedAgainAfterWritesToTheWeightsAlone) {
  forward(net_);
  forward(following_);
  arena_.values().fill(0.25);
  EXPECT_THAT(operations_of_forward(), Contains("cast").Times(1));
  expect_copy_of(arena_);
}

}  // namespace
}  // namespace minissl
