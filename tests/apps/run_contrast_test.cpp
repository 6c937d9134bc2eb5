#include "apps/run/run_contrast.h"

#include <gtest/gtest.h>

#include "apps/run/run_overview.h"
#include "tests/apps/html_checks.h"
#include "tests/apps/made_up_run.h"
#include "tests/apps/temporary_folder.h"

namespace minissl {
namespace {

/// A run with these settings, and the backbone's metrics and kNN accuracy after epochs 0, 10, 20, ...
NamedRun run_of(const std::string& name, const std::string& config, const std::vector<CollapseMetrics>& looks,
                const std::vector<double>& accuracies = {}) {
  NamedRun run{name, config_table("method = \"moco\"\n" + config), {}};
  for (size_t i = 0; i < looks.size(); ++i)
    run.events.push_back(
        to_json(MonitorEvent{.epoch = 10 * static_cast<double>(i),
                             .spaces = {{"backbone", looks[i]}, {"projection", looks_like(10, 0.1, 90)}}}));
  for (size_t i = 0; i < accuracies.size(); ++i)
    run.events.push_back(to_json(EvalEvent{.epoch = 10 * static_cast<double>(i),
                                           .knn_top1 = accuracies[i],
                                           .n_test = 1000,
                                           .untrained = 0.5,
                                           .pixels = 0.4}));
  return run;
}

const std::vector<CollapseMetrics> shrinking = {looks_like(10, 0.9, 200), looks_like(20, 0.5, 210),
                                                looks_like(8, 0.4, 220), looks_like(2, 0.4, 230)};
const std::vector<CollapseMetrics> steady = {looks_like(10, 0.9, 200), looks_like(20, 0.5, 210),
                                             looks_like(20, 0.4, 220), looks_like(20, 0.4, 225)};
const std::vector<CollapseMetrics> dying = {looks_like(10, 0.9, 200), looks_like(20, 0.5, 210), looks_like(20, 0.9, 50),
                                            looks_like(20, 0.998, 4)};

std::vector<NamedRun> study() {
  return {run_of("plain", "variance-weight = 0\nbn = \"plain\"\nthreads = 1", shrinking, {0.5, 0.6, 0.6, 0.61}),
          run_of("variance", "variance-weight = 1\nbn = \"plain\"\nthreads = 2", steady, {0.5, 0.6, 0.6, 0.62}),
          run_of("split", "variance-weight = 0.0\nbn = \"split:8\"\nthreads = 2", dying, {0.5, 0.6, 0.6, 0.41}),
          run_of("fast", "variance-weight = 2\nbn = \"split:4\"\nlr = 1", {}, {0.5})};
}

std::string text_of(const std::vector<LabelledText>& texts) {
  std::string all;
  for (const auto& [label, text] : texts) all += fmt::format("{}. {}\n", label, text);
  return all;
}

TEST(RunContrast, PairsThatDifferInOneSettingAlone) {
  const Contrasts contrasts = contrasts_between(study());
  ASSERT_EQ(contrasts.pairs.size(), 2u);
  const Contrast &variance = contrasts.pairs[0], &bn = contrasts.pairs[1];
  EXPECT_EQ(variance.key, "variance-weight");
  EXPECT_EQ(variance.from, 0u);
  EXPECT_EQ(variance.to, 1u);
  EXPECT_EQ(variance.from_value, "0");
  EXPECT_EQ(variance.to_value, "1");
  EXPECT_EQ(bn.key, "bn");
  EXPECT_EQ(bn.to, 2u);
  EXPECT_EQ(contrasts.only_together, std::vector<std::string>{"lr"});
  EXPECT_EQ(contrast_heading("variance-weight"), "What the variance term changed");
  EXPECT_EQ(contrast_heading("bn"), "What split batch normalisation changed");
  EXPECT_EQ(contrast_heading("lr"), "What lr changed");
}

TEST(RunContrast, GoesFromTheLowerValueToTheHigher) {
  const std::vector<NamedRun> runs = {run_of("b", "lr = 0.1", {}), run_of("a", "lr = 1e-2", {})};
  const Contrasts contrasts = contrasts_between(runs);
  ASSERT_EQ(contrasts.pairs.size(), 1u);
  EXPECT_EQ(contrasts.pairs[0].from, 1u);
  EXPECT_EQ(contrasts.pairs[0].from_value, "0.01");
}

TEST(RunContrast, SettingsOfOneMethodOnlyBelongToTheMethod) {
  std::vector<NamedRun> runs = {run_of("moco", "queue = 512\nlr = 1", {}), run_of("simclr", "lr = 1", {})};
  runs[1].config = config_table("method = \"simclr\"\nlr = 1\n");
  const Contrasts contrasts = contrasts_between(runs);
  ASSERT_EQ(contrasts.pairs.size(), 1u);
  EXPECT_EQ(contrasts.pairs[0].key, "method");
  // Without a configuration nothing is known to be the same.
  runs[1].config.clear();
  EXPECT_TRUE(contrasts_between(runs).pairs.empty());
}

TEST(RunContrast, SaysWhatASettingChanged) {
  const std::vector<NamedRun> runs = study();
  const Contrasts contrasts = contrasts_between(runs);
  EXPECT_EQ(
      text_of(texts_on(contrasts.pairs[0], runs)),
      "Backbone after epoch 30. Std 0.685 against 0.0685, by the norms (norm ×10, std_normalized ×1); mean cosine "
      "about the same (0.400 and 0.400); effective rank about the same (225 and 230).\n"
      "Projection after epoch 30. Std about the same (0.419 and 0.419); mean cosine about the same (0.100 and "
      "0.100); effective rank about the same (90 and 90).\n"
      "Collapse. Neither had collapsed.\n"
      "kNN top-1 after epoch 30. 62.0%, no different from plain (61.0%; 2 standard errors are 4.4 points).\n");
  const std::string split = text_of(texts_on(contrasts.pairs[1], runs));
  EXPECT_TRUE(contains(split, "mean cosine 0.998 against 0.400; effective rank 4 against 230."));
  EXPECT_TRUE(contains(split, "Collapse. plain had not collapsed; split had collapsed (backbone).\n"));
  EXPECT_TRUE(contains(split, "41.0%, below plain (61.0%)."));
}

TEST(RunContrast, ComparesAtTheLastEpochThatBothHave) {
  std::vector<NamedRun> runs = study();
  runs.resize(2);
  runs[1].events = run_of("", "", {steady[0], steady[1], steady[2]}, {0.5, 0.9}).events;
  const std::string text = text_of(texts_on(contrasts_between(runs).pairs[0], runs));
  EXPECT_TRUE(contains(text, "Backbone after epoch 20. Std 0.685 against 0.274"));
  EXPECT_TRUE(contains(text, "kNN top-1 after epoch 10. 90.0%, above plain (60.0%)."));
  runs[1].events = run_of("", "", {steady[0]}, {0.5}).events;
  EXPECT_EQ(text_of(texts_on(contrasts_between(runs).pairs[0], runs)),
            "Backbone. The monitor never looked at both after the same epoch of training.\n"
            "Projection. The monitor never looked at both after the same epoch of training.\n"
            "Collapse. Not enough looks to tell.\n"
            "kNN top-1. Not measured of both after the same epoch of training.\n");
}

TEST(RunContrast, OtherDimensionsDoNotCompare) {
  std::vector<NamedRun> runs = study();
  CollapseMetrics wide = steady[3];
  wide.dim = 2048;
  runs[1].events = run_of("", "", {steady[0], steady[1], steady[2], wide}).events;
  EXPECT_TRUE(contains(text_of(texts_on(contrasts_between(runs).pairs[0], runs)), "which don't compare"));
}

TEST(RunOverview, SumsUpAllRuns) {
  EXPECT_EQ(
      run_overview(study()),
      (std::vector<std::string>{
          "The backbone's std fell in 2 of 4 runs: by shrinking norms in plain; by directions drawing together in "
          "split; it did not fall in variance; not enough looks to tell in fast.",
          "Collapsed at the last look, by the monitor's rule: in the backbone, split; it can't be told of fast.",
          "In plain the backbone's std fell with its norms, while its directions did not narrow: mean cosine did "
          "not rise, and effective rank did not fall. Read alone, the std of features that aren't normalised would "
          "have passed for collapse.",
          "kNN top-1 beside the untrained network's: above it in plain, variance; below it in split."}));
  EXPECT_EQ(run_overview({run_of("a", "", steady), run_of("b", "", steady)}),
            (std::vector<std::string>{"The backbone's std fell in 0 of 2 runs; it did not fall in a, b.",
                                      "No run collapsed, by the monitor's rule."}));
}

TEST(NamedRun, NamesAreAsShortAsTheyCanBe) {
  EXPECT_EQ(run_names({"runs/moco", "/x/barlow/"}), (std::vector<std::string>{"moco", "barlow"}));
  EXPECT_EQ(run_names({"a/moco", "b/moco", "b/barlow"}), (std::vector<std::string>{"a/moco", "b/moco", "b/barlow"}));
  EXPECT_EQ(run_names({"/x/moco/../y"}), std::vector<std::string>{"y"});
  EXPECT_EQ(error_of([] { run_names({"a", "./a/"}); }), "./a/: given twice");
}

TEST(NamedRun, DifferingSettings) {
  const std::vector<NamedRun> runs = {
      {"a", config_table("method = \"moco\"\nlr = 1e-4\nqueue = 8\nout = \"a\"\n"), {}},
      {"b", config_table("method = \"moco\"\nlr = 0.0001\nout = \"b\"\ndim = 3\n"), {}}};
  const std::vector<SettingDifference> differences = differing_settings(runs);
  ASSERT_EQ(differences.size(), 2u);
  EXPECT_EQ(differences[0].key, "queue");
  EXPECT_EQ(differences[0].values, (std::vector<std::string>{"8", ""}));
  EXPECT_EQ(differences[1].key, "dim");
  EXPECT_TRUE(setting_precedes("2", "10"));
  EXPECT_TRUE(setting_precedes("off", "on"));
}

}  // namespace
}  // namespace minissl
