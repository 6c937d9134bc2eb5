#include "ssl/methods/moco.h"

#include <gtest/gtest.h>

#include "autograd/variable.h"
#include "nn/backbones/resnet.h"
#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

const ResNetConfig tiny_network({.depth = resnet18, .stem = Stem::small, .channels = 1, .width = 16});
const ResNetConfig split_network({.depth = resnet18, .stem = Stem::small, .channels = 1, .bn_groups = 2, .width = 16});

std::map<std::string, std::vector<double>> state_of(Method& method) {
  std::map<std::string, std::vector<double>> state;
  for (const StateEntry& e : method.state()) state[e.name] = e.tensor().to_vector();
  return state;
}

class MoCoTest : public testing::Test {
 protected:
  Variable step(StepLog& log) {
    moco_.before_batches();
    const Variable loss = moco_.loss({{view1_, view2_}, {}, {}}, log);
    backward(loss);
    return loss;
  }

  MoCo moco_{{.dim = 8, .queue = 16, .momentum = {.start = 0.75}}, tiny_network, 1};
  Tensor view1_ = random_tensor({4, 12, 12, 1}, 1), view2_ = random_tensor({4, 12, 12, 1}, 2);
};

TEST_F(MoCoTest, TheKeyEncoderStartsAsACopyHeadIncluded) {
  const auto state = state_of(moco_);
  int compared = 0;
  for (const auto& [name, values] : state)
    if (name.starts_with("encoder_q.")) {
      EXPECT_EQ(values, state.at("encoder_k." + name.substr(10))) << name;
      ++compared;
    }
  EXPECT_EQ(compared, 124);  // 120 of the trunk, fc.0 and fc.2 with weight and bias
}

TEST_F(MoCoTest, TheFirstQueueIsNormalized) {
  for (const StateEntry& e : moco_.state())
    if (e.name == "queue")
      for (int64_t k = 0; k < 16; ++k) {
        double square = 0;
        for (int64_t d = 0; d < 8; ++d) square += e.tensor().at(k * 8 + d) * e.tensor().at(k * 8 + d);
        EXPECT_NEAR(square, 1, 1e-6);
      }
}

TEST_F(MoCoTest, KeysAreEnqueuedAfterTheLossAndTheRingGoesRound) {
  const auto queue = [&] { return state_of(moco_).at("queue"); };
  const auto before = queue();
  StepLog log(StepLog::Keep::everything);
  step(log);
  EXPECT_EQ(queue(), before);  // the loss contrasts with the old queue
  moco_.after_backward();
  const auto after = queue();
  const Tensor k = log.tensors()[2].second;
  ASSERT_EQ(log.tensors()[2].first, "k");
  for (size_t i = 0; i < after.size(); ++i)
    EXPECT_EQ(after[i], i < 32 ? k.at(static_cast<int64_t>(i)) : before[i]) << i;
  EXPECT_EQ(state_of(moco_).at("queue_ptr")[0], 4);
  for (int i = 0; i < 3; ++i) {
    StepLog more;
    step(more);
    moco_.after_backward();
  }
  EXPECT_EQ(state_of(moco_).at("queue_ptr")[0], 0);
}

TEST_F(MoCoTest, TheKeyEncoderMovesOncePerStepAndGetsNoGradient) {
  const ParameterArena& online = moco_.online();
  online.values().fill(1);  // encoder_q moves away from encoder_k
  const auto before = state_of(moco_).at("encoder_k.conv1.weight");
  moco_.before_batches();
  const auto after = state_of(moco_).at("encoder_k.conv1.weight");
  for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], 0.75 * before[i] + 0.25, 1e-6);
  StepLog log;
  const Variable loss = moco_.loss({{view1_, view2_}, {}, {}}, log);
  EXPECT_EQ(state_of(moco_).at("encoder_k.conv1.weight"), after);
  for (const StateEntry& p : moco_.parameters())
    EXPECT_EQ(p.parameter->requires_grad(), p.name.starts_with("encoder_q.")) << p.name;
}

TEST_F(MoCoTest, TermsAddUpToTheLossAndNotFiniteValuesAreNamed) {
  StepLog log;
  const Variable loss = step(log);
  ASSERT_EQ(log.terms().size(), 2U);
  EXPECT_NEAR(loss.value().item(), log.terms()[0].second.item() + log.terms()[1].second.item(), 1e-5);
  for (const auto& [name, square] : log.squared_norms()) EXPECT_TRUE(std::isfinite(square.item())) << name;
  moco_.after_backward();
  view1_.mutable_data<float>()[7] = NAN;
  StepLog broken;
  moco_.before_batches();
  moco_.loss({{view1_, view2_}, {}, {}}, broken);
  EXPECT_EQ(broken.squared_norms()[0].first, "q_raw");
  EXPECT_FALSE(std::isfinite(broken.squared_norms()[0].second.item()));
}

TEST_F(MoCoTest, SizesThatDoNotGoTogether) {
  EXPECT_THROW(moco_.check_data(1000, 3), Error);
  EXPECT_EQ(moco_.check_data(1000, 4), "");
  EXPECT_NE(moco_.check_data(20, 4).find("`queue`"), std::string::npos);
  EXPECT_THROW(MoCo({.temperature = 0}, tiny_network, 1), Error);
  EXPECT_THROW(MoCo({.momentum = {.start = 2}}, tiny_network, 1), Error);
}

class SymmetricMoCoTest : public testing::Test {
 protected:
  Tensor named(const char* name) const {
    for (const auto& [logged, tensor] : log_.tensors())
      if (logged == name) return tensor;
    ADD_FAILURE() << name << " was not logged";
    return {};
  }

  MoCo moco_{{.dim = 8, .queue = 16, .symmetric = true}, tiny_network, 1};
  Batch views_{{random_tensor({4, 12, 12, 1}, 1), random_tensor({4, 12, 12, 1}, 2)}, {}, {}};
  StepLog log_{StepLog::Keep::everything};
};

// If the first direction's keys were enqueued before the second, each query's positive would also be a negative.
TEST_F(SymmetricMoCoTest, BothDirectionsContrastWithTheSameQueue) {
  const std::vector<double> queue = state_of(moco_).at("queue");
  moco_.before_batches();
  const Variable loss = moco_.loss(views_, log_);
  for (const std::string end : {"", "_sym"}) {
    const Tensor q = named(("q" + end).c_str()), logits = named(("logits" + end).c_str());
    for (int64_t n = 0; n < 4; ++n)
      for (int64_t k = 0; k < 16; ++k) {
        double dot = 0;
        for (int64_t d = 0; d < 8; ++d) dot += q.at(n * 8 + d) * queue[static_cast<size_t>(k * 8 + d)];
        EXPECT_NEAR(logits.at(n * 17 + 1 + k), dot / 0.07, 1e-4) << end << n << ", " << k;
      }
  }
  EXPECT_EQ(state_of(moco_).at("queue"), queue);
  backward(loss);
  moco_.after_backward();
  // Keys of view 1, which the second direction predicts, then those of view 2.
  const std::vector<double> after = state_of(moco_).at("queue");
  const Tensor k1 = named("k_sym"), k2 = named("k");
  for (int64_t i = 0; i < 32; ++i) {
    EXPECT_EQ(after[static_cast<size_t>(i)], k1.at(i)) << i;
    EXPECT_EQ(after[static_cast<size_t>(32 + i)], k2.at(i)) << i;
  }
  EXPECT_EQ(state_of(moco_).at("queue_ptr")[0], 8);
}

TEST_F(SymmetricMoCoTest, AQueueTakesBothViewsKeys) {
  EXPECT_EQ(moco_.check_data(1000, 8), "");
  EXPECT_THROW(moco_.check_data(1000, 16), Error);  // 32 keys a step
}

// The groups' statistics must be those of the shuffled batch, and every key must return to its place.
TEST(SplitMoCo, KeysAreShuffledBetweenTheGroupsAndPutBack) {
  MoCo moco({.dim = 8, .queue = 16}, split_network, 1);
  const Tensor images = random_tensor({6, 12, 12, 1}, 1);
  const std::vector<int64_t> order{3, 0, 5, 1, 4, 2};
  const Tensor keys = moco.key(images, Tensor::from<int64_t>({6}, order));
  // The shuffled batch's even places are one group and its odd ones the other, as if each were its own batch.
  MoCo plain({.dim = 8, .queue = 16}, tiny_network, 1);
  for (const size_t group : {0, 1}) {
    Tensor members = Tensor::empty({3, 12, 12, 1});
    for (size_t m = 0; m < 3; ++m) {
      const int64_t image = order[2 * m + group];
      members.rows(static_cast<int64_t>(m), static_cast<int64_t>(m) + 1).copy_from(images.rows(image, image + 1));
    }
    const Tensor expected = plain.key(members, {});
    for (size_t m = 0; m < 3; ++m)
      for (int64_t d = 0; d < 8; ++d)
        EXPECT_NEAR(keys.at(order[2 * m + group] * 8 + d), expected.at(static_cast<int64_t>(m) * 8 + d), 1e-4);
  }
  EXPECT_THROW(moco.key(images, {}), Error);
  EXPECT_THROW(moco.check_data(1000, 3), Error);
  const DrawnTensors drawn = moco.draw({1, 0, 6});
  ASSERT_EQ(drawn.size(), 1U) << "one direction needs one permutation";
  EXPECT_EQ(drawn[0].first, "shuffle");
  EXPECT_TRUE(plain.draw({1, 0, 6}).empty()) << "plain batch normalisation needs none";
}

TEST_F(MoCoTest, EmbeddingLeavesNoTrace) {
  const auto before = state_of(moco_);
  const std::vector<Space> e = moco_.embed(view1_);
  EXPECT_EQ(e[0].rows.shape(), (Shape{4, 128}));
  EXPECT_EQ(e[1].rows.shape(), (Shape{4, 8}));
  EXPECT_EQ(state_of(moco_), before);
  EXPECT_TRUE(moco_.training());
  // In evaluation mode an image's embedding doesn't depend on its batch.
  const std::vector<Space> alone = moco_.embed(view1_.rows(0, 1));
  for (int64_t d = 0; d < 8; ++d) EXPECT_NEAR(alone[1].rows.at(d), e[1].rows.at(d), 1e-4);
}

}  // namespace
}  // namespace minissl
