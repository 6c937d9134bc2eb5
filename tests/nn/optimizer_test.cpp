#include "nn/optimizer.h"

#include <gtest/gtest.h>
#include <numbers>
#include <unistd.h>

#include "nn/layers.h"
#include "nn/schedule.h"

namespace minissl {
namespace {

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

TEST(ClipFactor, BringsTheNormDownAndLeavesSmallOnes) {
  EXPECT_DOUBLE_EQ(clip_factor(2.0, 0), 1);
  EXPECT_DOUBLE_EQ(clip_factor(2.0, 3), 1);
  EXPECT_NEAR(clip_factor(6.0, 3), 0.5, 1e-6);
}

TEST(Optimizer, StateGoesThroughAFileAndTheNextStepIsTheSame) {
  const auto file = std::filesystem::temp_directory_path() / fmt::format("minissl-optimizer-{}.safetensors", getpid());
  for (const char* kind : {"adamw", "sgd"}) {
    Linear net(3, 2), copy(3, 2);
    net.initialize(1);
    copy.initialize(1);
    ParameterArena arena(net), copy_arena(copy);
    Optimizer optimizer({kind, 0.1, 0.9}, arena);
    arena.gradients().fill(0.5);
    optimizer.step(0.1);
    save_safetensors(file, optimizer.state());
    copy_arena.values().copy_from(arena.values());
    copy_arena.gradients().fill(0.5);
    Optimizer resumed({kind, 0.1, 0.9}, copy_arena);
    resumed.load_state(SafetensorsReader(file));
    EXPECT_EQ(resumed.steps(), 1);
    optimizer.step(0.1);
    resumed.step(0.1);
    EXPECT_EQ(arena.values().to_vector(), copy_arena.values().to_vector()) << kind;
  }
  std::filesystem::remove(file);
  Linear net(3, 2);
  ParameterArena arena(net);
  EXPECT_THROW(Optimizer({"adam", 0, 0}, arena), Error);
}

TEST(Optimizer, GradientScaleIsAPlainFactor) {
  Linear a(3, 2), b(3, 2);
  a.initialize(1);
  b.initialize(1);
  ParameterArena arena_a(a), arena_b(b);
  Optimizer scaled({"sgd", 0, 0.9}, arena_a), plain({"sgd", 0, 0.9}, arena_b);
  arena_a.gradients().fill(2);
  arena_b.gradients().fill(0.5);
  scaled.step(0.1, 0.25);
  plain.step(0.1);
  EXPECT_EQ(arena_a.values().to_vector(), arena_b.values().to_vector());
}

}  // namespace
}  // namespace minissl
