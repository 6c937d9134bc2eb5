#include "apps/run/report.h"

#include <algorithm>
#include <limits>

#include "apps/run/assets.h"
#include "apps/run/html.h"
#include "apps/run/picture.h"
#include "apps/run/verdict.h"
#include "tensor/atomic_file.h"
#include "tests/apps/html_checks.h"
#include "tests/apps/made_up_run.h"
#include "tests/apps/temporary_folder.h"

namespace minissl {
namespace {

class ReportTest : public TemporaryFolder {};

ReportInput made_up_input() {
  return {.config = config_table(made_up_config()),
          .events = made_up_events(20, 60, true),
          .views_png = encode_png(Tensor::zeros({4, 4, 2}, DType::u8)),
          .notes = {"a note"}};
}

TEST_F(ReportTest, IsWellFormedWithEverythingAndWithNothing) {
  expect_well_formed(render_report(made_up_input()));
  expect_well_formed(render_report({}));
  expect_well_formed(render_monitor_html("run", made_up_events(20, 1, false)));
}

TEST_F(ReportTest, EachPartCanBeMissing) {
  const ReportInput whole = made_up_input();
  for (const char* kind : {"step", "epoch", "monitor", "eval", "memory"}) {
    ReportInput without = whole, alone = whole;
    std::erase_if(without.events, [&](const Json& event) { return is_event(event, kind); });
    std::erase_if(alone.events, [&](const Json& event) { return !is_event(event, kind); });
    expect_well_formed(render_report(without));
    expect_well_formed(render_report(alone));
  }
  ReportInput bare;  // every event without its fields, or with fields of another kind
  for (const char* kind : {"epoch", "monitor", "eval", "memory", "unheard of"}) {
    bare.events.push_back({{"event", kind}});
    bare.events.push_back({{"event", kind},
                           {"epoch", "x"},
                           {"backbone", 3},
                           {"baseline", "y"},
                           {"tags", {{"saved", 1}}},
                           {"verdict", 5}});
  }
  bare.events.push_back({{"event", "step"}, {"step", 0}});
  expect_well_formed(render_report(bare));
}

TEST_F(ReportTest, TheEmbeddedJsonIsWhatTheCanvasesAskFor) {
  const std::string html = render_report(made_up_input());
  const Json charts = charts_of(html);
  for (const char* id : {"loss", "loss/contrastive", "loss/variance", "lr", "images_per_s", "backbone.std",
                         "projection.eff_rank", "knn_top1"})
    EXPECT_TRUE(charts.contains(id)) << id;
  for (const auto& [id, chart] : charts.items()) {
    EXPECT_TRUE(contains(html, fmt::format("data-chart=\"{}\"", id)));
    for (const Json& curve : chart.at("curves")) {
      EXPECT_LE(curve.at("y").size(), 1000u);
      EXPECT_EQ(curve.at("x").size(), curve.at("y").size());
    }
  }
  EXPECT_TRUE(contains(html, "Each point is the mean of 2 steps"));  // 1,200 steps
}

TEST_F(ReportTest, ManyStepsMakeNoLargerPage) {
  ReportInput input;
  input.events = made_up_events(10, 2'000, false);
  const size_t size = render_report(input).size();
  EXPECT_LT(size, assets::chart_js().size() + 300'000);
  EXPECT_TRUE(contains(render_report(input), "Each point is the mean of 20 steps"));
}

TEST_F(ReportTest, RefersToNothingOutside) {
  std::string html = render_report(made_up_input());
  const size_t library = html.find(assets::chart_js());
  ASSERT_NE(library, std::string::npos);
  html.erase(library, assets::chart_js().size());  // its comments contain its home page's address
  for (const char* address : {"http:", "https:", "//cdn", "@import", "url(", "<link", "fetch(", "XMLHttpRequest"})
    EXPECT_FALSE(contains(html, address)) << address;
  for (const char* reference : {"@import", "sourceMappingURL", "</script"})
    EXPECT_FALSE(contains(std::string(assets::chart_js()), reference)) << reference;
  EXPECT_FALSE(contains(html, "href="));
  const size_t source = html.find("src=");
  EXPECT_EQ(html.compare(source, 19, "src=\"data:image/png"), 0);
  EXPECT_EQ(html.find("src=", source + 1), std::string::npos);
}

TEST_F(ReportTest, DrawsAStepsMemory) {
  ReportInput input = made_up_input();
  EXPECT_FALSE(charts_of(render_report(input)).contains("memory_timeline"));
  Json& event = input.events.back();
  ASSERT_TRUE(is_event(event, "memory"));
  event["timeline"] = {{"operation", {0, 3, 7}},
                       {"live_bytes", {1LL << 30, 3LL << 30, 2LL << 30}},
                       {"saved_bytes", {0, 1LL << 30, 0}},
                       {"backward_from", 5}};
  const std::string html = render_report(input);
  EXPECT_EQ(charts_of(html).at("memory_timeline").at("curves").size(), 2U);
  EXPECT_TRUE(contains(html, "the forward pass up to 5"));
  expect_well_formed(html);
}

TEST_F(ReportTest, TextCannotBreakOut) {
  const std::string evil = R"(</script><script>alert("1")</script><!-- & 'x' {{data}})";
  ReportInput input = made_up_input();
  const size_t scripts = 3;
  const auto script_ends = [](const std::string& html) {
    size_t count = 0;
    for (size_t at = html.find("</script"); at != html.npos; at = html.find("</script", at + 1)) ++count;
    return count;
  };
  ASSERT_EQ(script_ends(render_report(input)), scripts);
  input.title = evil;
  input.config.push_back({evil, {{evil, evil}, {"data", evil}}});
  input.notes.push_back(evil);
  Json step = to_json(StepEvent{.step = 0, .loss = 1, .terms = {{evil, 2.0}}});
  input.events.insert(input.events.begin(), step);
  input.events.push_back(to_json(MonitorEvent{.epoch = 30, .verdict = "collapsed: " + evil}));
  input.events.push_back(
      {{"event", "memory"}, {"device", evil}, {"peak_bytes", 5}, {"tags", {{evil, {{"peak_bytes", 5}}}}}});
  const std::string html = render_report(input);
  EXPECT_EQ(script_ends(html), scripts);
  EXPECT_FALSE(contains(html, "<script>alert"));
  EXPECT_TRUE(charts_of(html).contains("loss/" + evil));
  expect_well_formed(html);
}

TEST_F(ReportTest, TextThatIsNotUtf8IsNoError) {
  ReportInput input;
  input.title = "\xff\xfe";
  input.events.push_back(to_json(StepEvent{.step = 0, .loss = 1, .terms = {{"\xff", 2.0}}}));
  EXPECT_FALSE(charts_of(render_report(input)).empty());
}

TEST_F(ReportTest, SameInputSameBytes) { EXPECT_EQ(render_report(made_up_input()), render_report(made_up_input())); }

TEST_F(ReportTest, SaysThatTheLossWasNotFinite) {
  ReportInput input;
  for (int64_t step = 0; step < 5; ++step)
    input.events.push_back(
        to_json(StepEvent{.step = step, .loss = step < 3 ? 1.0 : std::numeric_limits<double>::quiet_NaN()}));
  const std::string html = render_report(input);
  EXPECT_TRUE(contains(html, "in 2 steps, first in step 3"));
  EXPECT_TRUE(charts_of(html).at("loss").at("curves")[0].at("y")[4].is_null());
}

TEST_F(ReportTest, WritesIntoTheRunFolderFromWhatLiesThere) {
  write_file(folder_ / "config.toml", made_up_config());
  {
    MetricsLog log(folder_ / "metrics.jsonl");
    for (const Json& event : made_up_events(10, 3, false)) log.append(event);
  }
  write_png(folder_ / "views.png", Tensor::zeros({2, 2, 1}, DType::u8));
  write_report(folder_);
  const std::string html = read_file(folder_ / "report.html");
  EXPECT_TRUE(contains(html, "<h1>MoCo v2 · ResNet-18</h1>"));
  EXPECT_TRUE(contains(html, "datasets/chest x-rays/&lt;train&gt; &amp; &quot;more&quot;"));
  EXPECT_TRUE(contains(html, "data:image/png;base64,iVBOR"));
  write_report(folder_);
  EXPECT_EQ(read_file(folder_ / "report.html"), html);
  EXPECT_NE(error_of([&] { write_report(folder_ / "elsewhere"); }).find("not the folder of a run"), std::string::npos);
}

TEST_F(ReportTest, TheVerdictIsASentenceWithAColour) {
  EXPECT_EQ(severity_of("healthy: no sign of collapse"), Severity::healthy);
  EXPECT_EQ(severity_of("Collapsing"), Severity::collapsed);
  EXPECT_EQ(severity_of("dimensional collapse: 3 of 512 dimensions left"), Severity::collapsed);
  EXPECT_EQ(severity_of("std is shrinking"), Severity::warning);
  std::vector<Json> events;
  const auto look = [&](double epoch, double std, double std_normalized, const char* words) {
    events.push_back(to_json(MonitorEvent{
        .epoch = epoch, .spaces = {{"backbone", {.std = std, .std_normalized = std_normalized}}}, .verdict = words}));
  };
  look(5, 0.4, 0.8, "healthy");
  EXPECT_EQ(last_verdict(events)->sentence, "");
  EXPECT_EQ(last_verdict(events)->detail, "Collapse monitor after epoch 5.");
  look(10, 0.2, 0.7, "shrinking: keep an eye on it");
  look(15, 0.1, 0.6, "collapsed: the spread fell to a quarter");
  const std::optional<Verdict> verdict = last_verdict(events);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->severity, Severity::collapsed);
  EXPECT_EQ(verdict->sentence, "The spread fell to a quarter.");
  EXPECT_EQ(verdict->detail,
            "Collapse monitor after epoch 15. The backbone's spread is 25% of its peak, that of its directions 75%. "
            "2 of 3 looks gave cause for concern, the first after epoch 10.");
  EXPECT_FALSE(last_verdict({}));
}

TEST(ConfigTable, SortsSettingsIntoGroups) {
  const std::vector<ConfigGroup> groups = config_table(
      "# a comment\n\nlr = 0.001 # rate\ndim=128\narch='resnet18'\nunheard = \"a # b\\\"c\"\nweights=[25, 25, 1]\r\n");
  ASSERT_EQ(groups.size(), 4u);
  EXPECT_EQ(groups[0].name, "Model");
  EXPECT_EQ(setting(groups, "arch"), "resnet18");
  EXPECT_EQ(groups[1].name, "Method");
  EXPECT_EQ(setting(groups, "dim"), "128");
  EXPECT_EQ(setting(groups, "weights"), "25,25,1");
  EXPECT_EQ(groups[2].name, "Optimisation");
  EXPECT_EQ(setting(groups, "lr"), "0.001");
  EXPECT_EQ(groups[3].name, "Other");
  EXPECT_EQ(setting(groups, "unheard"), "a # b\"c");
  EXPECT_EQ(setting(groups, "absent"), "");
}

TEST(Html, Base64) {
  EXPECT_EQ(data_url("x/y", ""), "data:x/y;base64,");
  EXPECT_EQ(data_url("x/y", "f"), "data:x/y;base64,Zg==");
  EXPECT_EQ(data_url("x/y", "fo"), "data:x/y;base64,Zm8=");
  EXPECT_EQ(data_url("x/y", "foo"), "data:x/y;base64,Zm9v");
  EXPECT_EQ(data_url("x/y", "\xfb\xff\x00"), "data:x/y;base64,+/8=");  // a literal ends at its zero byte
}

TEST(Html, TemplatesAreFilledInOnePass) {
  EXPECT_EQ(fill_template("{{a}}-{{b}}{{a}}", {{"a", "{{b}}"}, {"b", "2"}}), "{{b}}-2{{b}}");
  EXPECT_FALSE(error_of([] { fill_template("{{c}}", {{"a", "1"}}); }).empty());
  EXPECT_FALSE(error_of([] { fill_template("{{c", {{"c", "1"}}); }).empty());
}

}  // namespace
}  // namespace minissl
