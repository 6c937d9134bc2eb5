#include "apps/run/comparison.h"

#include <set>

#include "apps/run/comparison_charts.h"
#include "tests/apps/html_checks.h"
#include "tests/apps/made_up_run.h"
#include "tests/apps/temporary_folder.h"

namespace minissl {
namespace {

std::vector<NamedRun> made_up_runs(size_t count) {
  std::vector<NamedRun> runs;
  for (size_t i = 0; i < count; ++i) {
    std::string config = made_up_config();
    config.replace(config.find("seed = 0"), 8, fmt::format("seed = {}", i));
    runs.push_back({fmt::format("run {}", i), config_table(config), made_up_events(20, 3, i % 2 == 1)});
  }
  return runs;
}

TEST(Comparison, IsWellFormedWithEverythingAndWithNothing) {
  expect_well_formed(render_comparison("", made_up_runs(2)));
  expect_well_formed(render_comparison("a title", made_up_runs(8)));
  expect_well_formed(render_comparison("", {{"a", {}, {}}, {"b", {}, {}}}));
  for (const char* kind : {"step", "epoch", "monitor", "eval", "memory"}) {
    std::vector<NamedRun> runs = made_up_runs(3);
    std::erase_if(runs[0].events, [&](const Json& event) { return is_event(event, kind); });
    std::erase_if(runs[1].events, [&](const Json& event) { return !is_event(event, kind); });
    runs[2].events = {{{"event", kind}}, {{"event", kind}, {"epoch", "x"}, {"backbone", 3}, {"baseline", "y"}}};
    if (std::string_view(kind) == "step") runs[2].events = {{{"event", "step"}, {"step", 0}}};
    expect_well_formed(render_comparison("", runs));
  }
}

TEST(Comparison, EachRunIsACurveInEveryChart) {
  const std::string html = render_comparison("", made_up_runs(8));
  const Json charts = charts_of(html);
  for (const char* id :
       {"backbone.std", "projection.std", "backbone.std_normalized", "projection.std_normalized", "backbone.norm",
        "projection.norm", "backbone.mean_cos", "projection.mean_cos", "backbone.eff_rank", "projection.eff_rank",
        "knn_top1", "0/loss/contrastive", "0/loss/variance"}) {
    ASSERT_TRUE(charts.contains(id)) << id;
    std::set<std::pair<int, int>> looks;
    for (const Json& curve : charts.at(id).at("curves"))
      if (!curve.at("dashed").get<bool>()) looks.emplace(curve.at("colour").get<int>(), curve.at("mark").get<int>());
    EXPECT_EQ(looks.size(), 8u) << id;
  }
  for (const auto& [id, chart] : charts.items()) EXPECT_TRUE(contains(html, fmt::format("data-chart=\"{}\"", id)));
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(contains(html, fmt::format("--curve-{}: #", run_colour(static_cast<size_t>(i)))));
}

TEST(Comparison, ARunKeepsItsColourWhereAnotherIsMissing) {
  std::vector<NamedRun> runs = made_up_runs(3);
  std::erase_if(runs[0].events, [](const Json& event) { return is_event(event, "monitor"); });
  const SpreadCharts row = compared_spread(runs).at(0);
  ASSERT_EQ(row.backbone.curves.size(), 2u);
  EXPECT_EQ(row.backbone.curves[0].name, "run 1");
  EXPECT_EQ(row.backbone.curves[0].colour, run_colour(1));
  EXPECT_EQ(row.backbone.title, "Backbone");
}

TEST(Comparison, ASharedBaselineIsOneLevelAndOthersAreOneForEachRun) {
  std::vector<NamedRun> runs = made_up_runs(2);
  EXPECT_EQ(compared_accuracy(runs).curves.size(), 4u);
  for (Json& event : runs[1].events)
    if (is_event(event, "eval")) event["baseline"]["untrained"] = 0.3;
  const std::vector<Curve> curves = compared_accuracy(runs).curves;
  ASSERT_EQ(curves.size(), 5u);
  EXPECT_EQ(curves[3].name, "run 1: untrained network");
  EXPECT_EQ(curves[3].colour, run_colour(1));
  EXPECT_EQ(curves[3].y[0], 30);
  EXPECT_TRUE(curves[3].dashed);
  EXPECT_EQ(curves[4].name, "raw pixels");
  EXPECT_EQ(curves[4].colour, neutral_colour);
}

TEST(Comparison, LossesShareAChartOnlyWhereTheyAreTheSameFunction) {
  std::vector<NamedRun> runs = made_up_runs(4);
  const auto set = [&](size_t run, const char* key, const char* value) {
    for (ConfigGroup& group : runs[run].config)
      for (auto& [name, old] : group.settings)
        if (name == key) old = value;
  };
  set(1, "variance-weight", "0");  // terms are logged without their weights
  set(2, "temperature", "0.5");
  set(3, "method", "barlow");
  const std::vector<Chart> charts = compared_losses(runs);
  ASSERT_EQ(charts.size(), 6u);
  EXPECT_EQ(charts[0].title, "contrastive · MoCo v2, temperature 0.07");
  EXPECT_EQ(charts[0].curves.size(), 2u);
  EXPECT_EQ(charts[2].title, "contrastive · MoCo v2, temperature 0.5");
  EXPECT_EQ(charts[2].curves.size(), 1u);
  EXPECT_EQ(charts[4].title, "contrastive · Barlow Twins");
  // For a method that logs no terms, the loss is shown.
  for (Json& event : runs[3].events) {
    event.erase("loss/contrastive");
    event.erase("loss/variance");
  }
  EXPECT_EQ(compared_losses(runs).back().title, "Loss · Barlow Twins");
}

TEST(Comparison, SaysHowTheRunsDifferAndWhatTheyShare) {
  std::vector<NamedRun> runs = made_up_runs(2);
  const std::string html = render_comparison("", runs);
  EXPECT_TRUE(contains(html, "<h1>2 runs · MoCo v2 · ResNet-18</h1>"));
  EXPECT_TRUE(contains(html, "<th scope=\"col\">seed</th>"));
  EXPECT_FALSE(contains(html, "<dt>seed</dt>"));  // not shared
  EXPECT_TRUE(contains(html, "<dt>batch</dt><dd>256</dd>"));
  EXPECT_TRUE(contains(html, "What another seed changed"));
  EXPECT_TRUE(contains(html, "By these rules"));
  runs[1].config = runs[0].config;
  EXPECT_TRUE(contains(render_comparison("", runs), "In no setting that they wrote down."));
}

TEST(Comparison, TextCannotBreakOut) {
  const std::string evil = R"(</script><script>alert("1")</script><!-- & 'x' {{data}})";
  std::vector<NamedRun> runs = made_up_runs(2);
  runs[0].name = evil;
  runs[0].config.push_back({"Other", {{evil, evil}}});
  runs[1].events.push_back(to_json(EpochEvent{.epoch = 30, .loss = 1, .terms = {{evil, 2.0}}}));
  const std::string html = render_comparison(evil, runs);
  expect_well_formed(html);
  EXPECT_FALSE(contains(html, "<script>alert"));
}

TEST(Comparison, SameInputSameBytes) {
  EXPECT_EQ(render_comparison("", made_up_runs(3)), render_comparison("", made_up_runs(3)));
}

TEST(Comparison, RefusesWhatNoChartCanShow) {
  EXPECT_EQ(error_of([] { render_comparison("", made_up_runs(1)); }), "a comparison needs two runs or more, not 1");
  EXPECT_EQ(error_of([] { render_comparison("", made_up_runs(9)); }),
            "a comparison shows 8 runs at most, not 9: name fewer");
}

}  // namespace
}  // namespace minissl
