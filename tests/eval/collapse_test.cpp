#include "eval/collapse.h"

#include <cmath>
#include <gtest/gtest.h>

#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

Tensor scaled(const Tensor& t, float factor, float offset = 0) {
  const Tensor out = t.clone();
  for (int64_t i = 0; i < out.numel(); ++i) out.mutable_data<float>()[i] = factor * t.data<float>()[i] + offset;
  return out;
}

TEST(Collapse, EvenSpread) {
  const CollapseMetrics m = collapse_metrics(random_tensor({2000, 16}, 1));
  EXPECT_NEAR(m.std, 1, 0.02);
  EXPECT_NEAR(relative_spread(m, 16), 1, 0.01);
  EXPECT_NEAR(m.mean_cos, 0, 0.01);
  EXPECT_GT(m.eff_rank, 15.9);
  EXPECT_NEAR(m.norm, 4, 0.1);
  EXPECT_EQ(m.count, 2000);
  EXPECT_EQ(m.dim, 16);
}

TEST(Collapse, ShrinkingNormsAreNotCollapse) {
  const Tensor z = random_tensor({500, 16}, 2);
  const CollapseMetrics before = collapse_metrics(z), after = collapse_metrics(scaled(z, 0.01f));
  EXPECT_NEAR(after.std, 0.01 * before.std, 1e-6);
  EXPECT_NEAR(after.std_normalized, before.std_normalized, 1e-6);
  EXPECT_NEAR(after.eff_rank, before.eff_rank, 1e-3);
  EXPECT_EQ(judge_collapse({before, after}).level, CollapseVerdict::Level::healthy);
}

TEST(Collapse, MeanCosineIsTheMeanOverPairs) {
  const Tensor z = random_tensor({9, 5}, 3);
  double sum = 0;
  for (int64_t i = 0; i < 9; ++i)
    for (int64_t j = 0; j < 9; ++j) {
      if (i == j) continue;
      double dot = 0, a = 0, b = 0;
      for (int64_t d = 0; d < 5; ++d) {
        dot += z.at(i * 5 + d) * z.at(j * 5 + d);
        a += z.at(i * 5 + d) * z.at(i * 5 + d);
        b += z.at(j * 5 + d) * z.at(j * 5 + d);
      }
      sum += dot / std::sqrt(a * b);
    }
  EXPECT_NEAR(collapse_metrics(z).mean_cos, sum / 72, 1e-6);
}

TEST(Collapse, RankCountsTheDirectionsInUse) {
  // Three directions of equal strength in 32 dimensions, around 0 and around a mean far from it.
  const Tensor base = random_tensor({600, 3}, 4);
  const Tensor z = Tensor::zeros({600, 32});
  for (int64_t n = 0; n < 600; ++n)
    for (int64_t d = 0; d < 3; ++d) z.mutable_data<float>()[n * 32 + d] += base.data<float>()[n * 3 + d];
  EXPECT_NEAR(collapse_metrics(z).eff_rank, 3, 0.01);
  EXPECT_NEAR(collapse_metrics(scaled(z, 1, 5)).eff_rank, 3, 0.01);
  const CollapseMetrics wide = collapse_metrics(random_tensor({600, 32}, 5));
  EXPECT_EQ(judge_collapse({wide, collapse_metrics(z)}).level, CollapseVerdict::Level::watch);
  // More dimensions than images.
  EXPECT_LT(collapse_metrics(random_tensor({10, 100}, 6)).eff_rank, 9.01);
}

TEST(Collapse, APointIsCollapse) {
  const CollapseMetrics healthy = collapse_metrics(random_tensor({100, 8}, 7));
  const CollapseMetrics point = collapse_metrics(scaled(random_tensor({100, 8}, 8), 1e-3f, 1));
  const CollapseVerdict verdict = judge_collapse({healthy, point});
  EXPECT_EQ(verdict.level, CollapseVerdict::Level::collapsed);
  EXPECT_NE(verdict.text.find("collaps"), std::string::npos);
  EXPECT_GT(point.mean_cos, 0.999);
  EXPECT_EQ(collapse_metrics(Tensor::full({10, 4}, 1)).eff_rank, 0);
}

TEST(Collapse, AnUntrainedNetworkIsNotCalledCollapsed) {
  const CollapseMetrics close = collapse_metrics(scaled(random_tensor({100, 8}, 8), 1e-2f, 1));
  EXPECT_EQ(judge_collapse({close}).level, CollapseVerdict::Level::healthy);
  EXPECT_EQ(judge_collapse({close, close}).level, CollapseVerdict::Level::watch);
  EXPECT_EQ(judge_collapse({close, close, close, close}).level, CollapseVerdict::Level::collapsed);
}

// A teacher's targets, of 65,536 outputs.
TEST(TargetCollapse, TellsTheTwoCollapsesApart) {
  using Level = CollapseVerdict::Level;
  const double most = std::log(65536);
  const auto judge = [&](double entropy, double kl, size_t looks = 9) {
    return judge_targets({.entropy = entropy, .kl = kl, .outputs = 65536}, looks).value();
  };
  const CollapseVerdict uniform = judge(most - 0.001, 0.002), one_hot = judge(0.01, 0.003);
  EXPECT_EQ(uniform.level, Level::collapsed);
  EXPECT_NE(uniform.text.find("is uniform for every image (entropy 11.089 of at most 11.090"), std::string::npos)
      << uniform.text;
  EXPECT_EQ(one_hot.level, Level::collapsed);
  EXPECT_NE(one_hot.text.find("is the same single dimension for every image"), std::string::npos) << one_hot.text;
  EXPECT_EQ(judge(4, 3).level, Level::healthy);
  // Sure of each image, and another output for each: the student can't tell in advance.
  EXPECT_EQ(judge(0.01, 2).level, Level::healthy);
  // At first, all images are alike to every network, and centring takes away what they share.
  EXPECT_EQ(judge(most, 0, 2).level, Level::watch);
  EXPECT_EQ(judge(most, 0, 2).text.find("collaps"), std::string::npos);
}

TEST(TargetCollapse, NamesTheTargetsAndWhatHelps) {
  const TargetMetrics assignments{
      .entropy = 3.910, .kl = 0.002, .outputs = 50, .what = "the assignment", .if_uniform = "a lower `epsilon`"};
  EXPECT_EQ(judge_targets(assignments, 4).value().text,
            "collapsed: the assignment is uniform for every image (entropy 3.910 of at most 3.912, divergence from the "
            "predictions 0.002); a lower `epsilon`");
}

TEST(TargetCollapse, SaysNothingOfLossesThatLogNoTargets) {
  EXPECT_FALSE(judge_targets({.entropy = NAN, .kl = NAN, .outputs = 8}, 5).has_value());
}

}  // namespace
}  // namespace minissl
