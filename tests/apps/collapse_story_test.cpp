#include "apps/run/collapse_story.h"

#include <cmath>
#include <gtest/gtest.h>

#include "apps/run/knn_story.h"
#include "tests/apps/html_checks.h"
#include "tests/apps/made_up_run.h"

namespace minissl {
namespace {

using Level = CollapseVerdict::Level;

/// Metrics of one space after epochs 10, 20, ..., as if all its features had the same norm.
Looks looks_of(const std::vector<CollapseMetrics>& metrics) {
  Looks looks;
  for (size_t i = 0; i < metrics.size(); ++i) looks.epochs.push_back(10.0 * static_cast<double>(i + 1));
  looks.metrics = metrics;
  return looks;
}

SpaceStory story_of(const std::vector<CollapseMetrics>& metrics) { return space_story("backbone", looks_of(metrics)); }

TEST(CollapseStory, ChangesAreAttributedToTheirLeadingPart) {
  const auto cause = [](double norm, double directions, double rest) {
    return SpreadChange{norm * directions * rest, norm, directions}.cause();
  };
  EXPECT_EQ(cause(0.2, 1, 1), Cause::norms);
  EXPECT_EQ(cause(1, 0.2, 1), Cause::directions);
  EXPECT_EQ(cause(1, 1, 0.2), Cause::uneven);
  EXPECT_EQ(cause(5, 1, 1), Cause::norms);    // a rise has a cause too
  EXPECT_EQ(cause(0.1, 2, 1), Cause::norms);  // against the directions
  EXPECT_EQ(cause(0.5, 0.5, 1), Cause::several);
  EXPECT_EQ(cause(0.9, 1.1, 0.95), Cause::none);
  EXPECT_EQ(cause(0.79, 1, 1), Cause::norms);  // just below 1 / 1.25
  EXPECT_EQ(cause(0.81, 1, 1), Cause::none);
  EXPECT_EQ(cause(0.5, std::sqrt(0.5) * 1.01, 1), Cause::norms);    // a little more than twice as much
  EXPECT_EQ(cause(0.5, std::sqrt(0.5) * 0.99, 1), Cause::several);  // a little less
  EXPECT_EQ(cause(1, 0, 1), Cause::directions);                     // a point
  EXPECT_EQ(cause(0, 0, 1), Cause::norms);                          // nothing at all

  const SpreadChange::Shares shares = SpreadChange{0.125, 0.5, 0.5}.shares();
  EXPECT_NEAR(shares.norm, 1.0 / 3, 1e-12);
  EXPECT_NEAR(shares.directions, 1.0 / 3, 1e-12);
  EXPECT_NEAR(shares.rest, 1.0 / 3, 1e-12);
}

TEST(CollapseStory, CosinesNearOneDifferByTheRemainingSpread) {
  EXPECT_TRUE(same_cosine(0.44, 0.39));
  EXPECT_FALSE(same_cosine(0.985, 0.943));
  EXPECT_TRUE(same_cosine(1, 1));
  EXPECT_FALSE(same_cosine(1, 0.999));
  EXPECT_TRUE(same_cosine(-0.01, 0.05));
}

// MoCo without a variance term on chest X-rays (SCARCE-CXR), after epochs 50, 100, 200 and 264, as in its table: std,
// mean cosine and effective rank of the backbone's 2048 features. Norm and std_normalized follow from them as for
// features of one norm. There, shrinking norms explain std's sixfold fall.
TEST(CollapseStory, ThePublishedFallOfStdIsShrinkingNorms) {
  std::vector<CollapseMetrics> metrics;
  for (const auto& [std, cosine, rank] :
       {std::tuple{0.363, 0.675, 175.6}, {0.162, 0.533, 219.3}, {0.061, 0.446, 251.7}, {0.060, 0.393, 261.8}}) {
    const double directions = std::sqrt((1 - cosine) / 2048);
    metrics.push_back({.std = std,
                       .mean_cos = cosine,
                       .eff_rank = rank,
                       .std_normalized = directions,
                       .norm = std / directions,
                       .count = 4096,
                       .dim = 2048});
  }
  Looks looks{{50, 100, 200, 264}, metrics};
  const SpaceStory story = space_story("backbone", looks);
  EXPECT_EQ(story.peak, 0u);
  EXPECT_EQ(story.fall.cause(), Cause::norms);
  EXPECT_NEAR(story.fall.norm, 0.121, 0.001);
  EXPECT_NEAR(story.fall.directions, 1.367, 0.001);
  EXPECT_TRUE(story.is(Level::healthy));
  EXPECT_TRUE(story.misleading_std());
  EXPECT_EQ(headline(story, story), "Shrinking norms, no collapse");
  EXPECT_EQ(
      paragraph(story),
      "Std fell to 17% of its peak (from 0.363 after epoch 50 to 0.06 after epoch 264). That is shrinking norms: "
      "the mean norm went to 12%, the spread of directions to 137%. Meanwhile mean cosine fell from 0.675 to 0.393 "
      "and effective rank rose from 176 to 262. The monitor's verdict: “healthy: the std has fallen from 0.363 to "
      "0.060 only because the norms have shrunk (from 28.82 to 3.49); directions are still spread”.");
}

TEST(CollapseStory, DirectionsThatDrawTogetherAreCollapse) {
  const SpaceStory story =
      story_of({looks_like(10, 0.5, 200), looks_like(10, 0.4, 220), looks_like(10, 0.9, 90), looks_like(10, 0.995, 6)});
  EXPECT_EQ(story.peak, 1u);
  EXPECT_EQ(story.fall.cause(), Cause::directions);
  EXPECT_TRUE(story.collapsed());
  EXPECT_FALSE(story.misleading_std());
  EXPECT_EQ(headline(story, story), "Collapsed (backbone and projection)");
  const std::string text = paragraph(story);
  EXPECT_TRUE(contains(
      text, "That is directions drawing together: their spread went to 9% of what it was, the mean norm to 100%"));
  EXPECT_TRUE(contains(text, "mean cosine rose from 0.400 to 0.995 and effective rank fell from 220 to 6"));
  EXPECT_TRUE(contains(text, "“collapsed: all images are mapped to nearly the same direction"));
  // Only in the projection.
  const SpaceStory healthy = story_of(std::vector(4, looks_like(10, 0.4, 220)));
  EXPECT_EQ(headline(healthy, story), "Collapsed (projection)");
  EXPECT_EQ(headline(healthy, healthy), "Std held, no collapse");
}

TEST(CollapseStory, NormsThatShrinkWhileDirectionsNarrowDoNotMislead) {
  const SpaceStory story = story_of({looks_like(20, 0.4, 220), looks_like(8, 0.5, 200), looks_like(2, 0.6, 150)});
  EXPECT_EQ(story.fall.cause(), Cause::norms);
  EXPECT_FALSE(story.misleading_std());
  EXPECT_EQ(headline(story, story), "Shrinking norms, no collapse");
  EXPECT_TRUE(story_of({looks_like(20, 0.4, 220), looks_like(8, 0.4, 220), looks_like(2, 0.42, 210)}).misleading_std());
}

// As BarlowTwins may begin: norms explode with all images on one line, then shrink; the remaining spread fills few
// dimensions.
TEST(CollapseStory, ShrinkingNormsDoNotExcuseCollapse) {
  const SpaceStory story = story_of({looks_like(8, 0.96, 166), looks_like(1e5, 0.999, 1), looks_like(30, 0.5, 16)});
  EXPECT_EQ(story.fall.cause(), Cause::norms);
  EXPECT_TRUE(story.collapsed());
  EXPECT_FALSE(story.misleading_std());
  EXPECT_EQ(headline(story, story), "Collapsed (backbone and projection)");
  EXPECT_TRUE(
      contains(paragraph(story), "the mean norm went to less than 1%, the spread of directions to 22.4 times that"));
}

TEST(CollapseStory, FewLooksAreNotEnoughToTell) {
  const SpaceStory story = story_of({looks_like(10, 0.4, 220), looks_like(1, 0.999, 2)});
  EXPECT_FALSE(story.collapsed());
  EXPECT_EQ(headline(story, story), "Not enough looks to tell");
  EXPECT_EQ(paragraph(story), "Not enough looks to tell: 2 of the 3 that are needed.");
  EXPECT_EQ(paragraph(space_story("projection", {})), "Not enough looks to tell: 0 of the 3 that are needed.");
}

TEST(CollapseStory, FeaturesThatNeverSpreadHaveNotCollapsed) {
  const SpaceStory story = story_of(std::vector(5, looks_like(10, 0.997, 200)));
  EXPECT_TRUE(story.is(Level::collapsed));  // according to the monitor
  EXPECT_TRUE(story.never_spread);
  EXPECT_FALSE(story.collapsed());
  EXPECT_EQ(headline(story, story), "Never spread out (backbone and projection)");
  EXPECT_TRUE(contains(paragraph(story), "rather than having collapsed"));
}

TEST(CollapseStory, LosingHalfOfTheSpreadIsReported) {
  const SpaceStory narrow = story_of({looks_like(10, 0.2, 220), looks_like(10, 0.5, 200), looks_like(10, 0.85, 180)});
  EXPECT_TRUE(narrow.is(Level::watch));
  EXPECT_EQ(headline(narrow, narrow), "Directions narrowed (backbone and projection)");
}

TEST(CollapseStory, ALogWithoutDimensionsIsNotJudged) {
  std::vector<CollapseMetrics> metrics(4, looks_like(10, 0.4, 220));
  for (CollapseMetrics& m : metrics) m.dim = 0;
  const SpaceStory story = story_of(metrics);
  EXPECT_FALSE(story.collapsed());
  EXPECT_EQ(headline(story, story), "Std held, collapse not judged");
  EXPECT_TRUE(contains(paragraph(story), "can't be judged"));
}

TEST(CollapseStory, LooksWithoutAllFiguresAreLeftOut) {
  std::vector<Json> events = {to_json(MonitorEvent{.epoch = 1, .spaces = {{"backbone", looks_like(10, 0.4, 220)}}}),
                              {{"event", "monitor"}, {"epoch", 2}},
                              {{"event", "monitor"}, {"epoch", 3}, {"backbone", {{"std", 1}}}},
                              to_json(MonitorEvent{.epoch = 4, .spaces = {{"backbone", looks_like(8, 0.4, 220)}}})};
  const Looks looks = looks_at(events, "backbone");
  EXPECT_EQ(looks.epochs, (std::vector<double>{1, 4}));
  EXPECT_EQ(looks.metrics[1].norm, 8);
  EXPECT_EQ(looks.metrics[1].dim, 512);
}

TEST(KnnStory, DifferencesWithinTwoStandardErrorsAreNone) {
  // p = q = 0.5, n = m = 1000: the standard error is sqrt(0.25 / 1000 * 2) = 2.236 points.
  EXPECT_NEAR(standard_error({0.5, 1000}, {0.5, 1000}), 0.02236, 1e-5);
  EXPECT_EQ(compare({0.5, 1000}, {0.54, 1000}), Difference::none);
  EXPECT_EQ(compare({0.5, 1000}, {0.55, 1000}), Difference::lower);
  EXPECT_EQ(compare({0.55, 1000}, {0.5, 1000}), Difference::higher);
  EXPECT_EQ(compare({0.55, 100}, {0.5, 100}), Difference::none);
  EXPECT_EQ(compare({0.9, 0}, {0.1, 1000}), Difference::unknown);
  EXPECT_EQ(compare({1, 10}, {1, 10}), Difference::none);
  EXPECT_EQ(compare({std::nan(""), 10}, {1, 10}), Difference::unknown);
}

TEST(KnnStory, SaysWhereAccuracyEnded) {
  std::vector<Json> events;
  const auto look = [&](double epoch, double top1, int64_t n_test) {
    events.push_back(
        to_json(EvalEvent{.epoch = epoch, .knn_top1 = top1, .n_test = n_test, .untrained = 0.5, .pixels = 0.68}));
  };
  EXPECT_EQ(paragraph(knn_story(events)), "Not measured.");
  look(0, 0.5, 1000);
  EXPECT_EQ(paragraph(knn_story(events)), "50.0% before training: below raw pixels (68.0%).");
  look(10, 0.8, 1000);
  look(20, 0.7, 1000);
  EXPECT_EQ(paragraph(knn_story(events)),
            "70.0% after epoch 20: above the untrained network (50.0%), and no different from raw pixels (68.0%; 2 "
            "standard errors are 4.1 points). It was 80.0% after epoch 10.");
  events.clear();
  look(0, 0.5, 0);
  look(10, 0.8, 0);
  EXPECT_EQ(
      paragraph(knn_story(events)),
      "80.0% after epoch 10: beside the untrained network (50.0%), and beside raw pixels (68.0%). The log doesn't "
      "say of how many test images, so differences can't be told from chance.");
}

}  // namespace
}  // namespace minissl
