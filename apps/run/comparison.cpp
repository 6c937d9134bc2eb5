#include "apps/run/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "apps/run/collapse_story.h"
#include "apps/run/comparison_charts.h"
#include "apps/run/heading.h"
#include "apps/run/html.h"
#include "apps/run/knn_story.h"
#include "apps/run/page.h"
#include "apps/run/run_contrast.h"
#include "apps/run/run_overview.h"
#include "tensor/error.h"

namespace minissl {
namespace {

/// A run's mark in its colour, as page.js draws it, and its name.
std::string run_label(const std::vector<NamedRun>& runs, size_t i) {
  constexpr std::array shapes{"<circle cx=\"12\" cy=\"6\" r=\"4\"/>", "<path d=\"M12 1.5 16.5 10h-9z\"/>",
                              "<rect x=\"8.5\" y=\"2.5\" width=\"7\" height=\"7\"/>",
                              "<path d=\"M12 1 17 6 12 11 7 6z\"/>"};
  return fmt::format(
      "<span class=\"run\"><svg class=\"mark{}\" viewBox=\"0 0 24 12\" aria-hidden=\"true\" style=\"color: "
      "var(--curve-{})\"><path d=\"M0 6h24\"/>{}</svg>{}</span>",
      i < shapes.size() ? "" : " hollow", run_colour(i), shapes[i % shapes.size()], escape_html(runs[i].name));
}

void add_legend(Page& page, const std::vector<NamedRun>& runs) {
  page.add("<ul class=\"legend\" aria-label=\"Runs\">");
  for (size_t i = 0; i < runs.size(); ++i) page.add(fmt::format("<li>{}</li>", run_label(runs, i)));
  page.add("</ul>\n");
}

/// The settings that are the same in all runs.
std::vector<ConfigGroup> common_settings(const std::vector<NamedRun>& runs) {
  std::vector<ConfigGroup> common = runs[0].config;
  for (const SettingDifference& difference : differing_settings(runs))
    for (ConfigGroup& group : common)
      std::erase_if(group.settings, [&](const auto& pair) { return pair.first == difference.key; });
  return common;
}

void add_settings(Page& page, const std::vector<NamedRun>& runs) {
  page.begin_section("settings", "How the runs differ", "");
  const std::vector<SettingDifference> differences = differing_settings(runs);
  if (differences.empty()) {
    page.add("<p class=\"lead\">In no setting that they wrote down.</p>\n");
    page.end_section();
    return;
  }
  page.add("<div class=\"scroll\"><table class=\"figures\"><thead><tr><th scope=\"col\"></th>");
  for (const SettingDifference& difference : differences)
    page.add(fmt::format("<th scope=\"col\">{}</th>", escape_html(difference.key)));
  page.add("</tr></thead><tbody>\n");
  for (size_t i = 0; i < runs.size(); ++i) {
    page.add(fmt::format("<tr><th scope=\"row\">{}</th>", run_label(runs, i)));
    for (const SettingDifference& difference : differences)
      page.add(element("td", difference.values[i].empty() ? "–" : difference.values[i]));
    page.add("</tr>\n");
  }
  page.add("</tbody></table></div>\n");
  page.end_section();
}

/// A row of the story: `who` (HTML) on the left, its texts on the right.
void add_story_row(Page& page, const std::string& who, const std::vector<LabelledText>& texts) {
  page.add(fmt::format("<div class=\"story\"><div>{}</div><div>", who));
  for (const auto& [label, text] : texts)
    page.add(fmt::format("<p>{} {}</p>", element("b", label + "."), escape_html(text)));
  page.add("</div></div>\n");
}

void add_run_story(Page& page, const std::vector<NamedRun>& runs, size_t i) {
  const std::vector<Json>& events = runs[i].events;
  const SpaceStory backbone = space_story("backbone", looks_at(events, "backbone")),
                   projection = space_story("projection", looks_at(events, "projection"));
  const std::string who =
      fmt::format("<h3>{}</h3>{}", run_label(runs, i), element("p", headline(backbone, projection)));
  add_story_row(page, who,
                {{"Backbone", paragraph(backbone)},
                 {"Projection", paragraph(projection)},
                 {"kNN top-1", paragraph(knn_story(events))}});
}

void add_contrast(Page& page, const Contrast& contrast, const std::vector<NamedRun>& runs) {
  const auto side = [&](size_t run, const std::string& value) {
    return fmt::format("<p>{}<small>{} {}</small></p>", run_label(runs, run), escape_html(contrast.key),
                       value.empty() ? "not set" : escape_html(value));
  };
  const std::string who = fmt::format("{}<p class=\"against\">against</p>{}", side(contrast.to, contrast.to_value),
                                      side(contrast.from, contrast.from_value));
  add_story_row(page, who, texts_on(contrast, runs));
}

/// States what no pair of runs can show.
std::string caution(const Contrasts& contrasts) {
  std::string text;
  if (contrasts.pairs.empty()) {
    text = "No two runs differ in one setting alone, so that no difference between them has one sure cause.";
  } else if (std::none_of(contrasts.pairs.begin(), contrasts.pairs.end(),
                          [](const Contrast& contrast) { return contrast.key == "seed"; })) {
    text = "No two runs differ in their seed alone: how much of this another seed would change was not measured.";
  }
  if (!contrasts.only_together.empty())
    text += fmt::format("{}Settings that never differ alone, so that their effects can't be told apart: {}.",
                        text.empty() ? "" : " ", fmt::join(contrasts.only_together, ", "));
  return text;
}

void add_contrasts(Page& page, const std::vector<NamedRun>& runs) {
  const Contrasts contrasts = contrasts_between(runs);
  std::string last;
  for (const Contrast& contrast : contrasts.pairs) {
    if (contrast.key != last) page.add(element("h3", contrast_heading(contrast.key)));
    last = contrast.key;
    add_contrast(page, contrast, runs);
  }
  if (const std::string text = caution(contrasts); !text.empty())
    page.add(fmt::format("<div class=\"prose\">{}</div>\n", element("p", text)));
}

void add_story(Page& page, const std::vector<NamedRun>& runs) {
  page.begin_section("story", "What the figures support", "");
  page.add("<ul class=\"overview\">");
  for (const std::string& sentence : run_overview(runs)) page.add(element("li", sentence));
  page.add("</ul>\n");
  for (size_t i = 0; i < runs.size(); ++i) add_run_story(page, runs, i);
  add_contrasts(page, runs);
  page.add("<div class=\"rules\"><h3>By these rules</h3><ul>");
  for (const std::string& rule : story_rules()) page.add(element("li", rule));
  page.add(fmt::format("{}</ul></div>\n", element("li", knn_rule())));
  page.end_section();
}

void add_spread(Page& page, const std::vector<NamedRun>& runs) {
  const std::vector<SpreadCharts> rows = compared_spread(runs);
  if (rows.empty()) return;
  begin_spread_section(page);
  for (const SpreadCharts& row : rows) {
    page.add(fmt::format("<div class=\"compared\"><div class=\"what\">{}{}</div>\n", element("h3", row.title),
                         element("p", row.explanation)));
    page.add_chart(row.backbone, "medium", "");
    page.add_chart(row.projection, "medium", "");
    page.add("</div>\n");
  }
  page.end_section();
}

void add_accuracy(Page& page, const std::vector<NamedRun>& runs) {
  const Chart chart = compared_accuracy(runs);
  if (chart.curves.empty()) return;
  std::string lead = "Test images classified by their nearest training images in the backbone's features.";
  bool levels = false, levels_of_runs = false;
  for (const Curve& curve : chart.curves) {
    levels = levels || curve.dashed;
    levels_of_runs = levels_of_runs || (curve.dashed && curve.colour != neutral_colour);
  }
  if (levels) lead += " Worth something only above the dashed lines: the untrained network and raw pixels.";
  if (levels_of_runs) lead += " Where they differ between runs, they have the run's colour.";
  page.begin_section("accuracy", "Nearest-neighbour accuracy", lead);
  page.add_chart(chart, "large", "");
  page.end_section();
}

void add_losses(Page& page, const std::vector<NamedRun>& runs) {
  const std::vector<Chart> charts = compared_losses(runs);
  if (charts.empty()) return;
  page.begin_section("losses", "Terms of the loss", comparable_losses_note());
  page.add("<div class=\"pairs\">\n");
  for (const Chart& chart : charts) page.add_chart(chart, "medium", "");
  page.add("</div>\n");
  page.end_section();
}

constexpr std::array<double CollapseMetrics::*, 5> fields{&CollapseMetrics::std, &CollapseMetrics::std_normalized,
                                                          &CollapseMetrics::norm, &CollapseMetrics::mean_cos,
                                                          &CollapseMetrics::eff_rank};
constexpr std::array field_names{"std", "std_normalized", "norm", "mean_cos", "eff_rank"};
constexpr std::array spaces{"backbone", "projection"};

/// The row for one look and the evaluation after the same epoch.
std::string figures_row(const Json& look, const KnnStory& knn) {
  const double epoch = number(look, "epoch");
  std::string row = element("td", format_number(epoch));
  for (const char* space : spaces) {
    const CollapseMetrics metrics = collapse_metrics_of(look, space);
    for (const auto field : fields) row += element("td", format_number(metrics.*field));
  }
  std::string accuracy = "–";
  for (size_t i = 0; i < knn.epochs.size(); ++i)
    if (knn.epochs[i] == epoch) accuracy = format_percent(knn.scores[i].top1);
  return row + element("td", accuracy) + "</tr>\n";
}

void add_figures(Page& page, const std::vector<NamedRun>& runs) {
  std::string head = "<tr><th scope=\"col\" rowspan=\"2\">run</th><th scope=\"col\" rowspan=\"2\">epoch</th>";
  std::string second = "<tr>";
  for (const char* space : spaces) {
    head += fmt::format("<th scope=\"colgroup\" colspan=\"{}\">{}</th>", field_names.size(), space);
    for (const char* field : field_names) second += fmt::format("<th scope=\"col\">{}</th>", field);
  }
  std::string rows;
  for (size_t i = 0; i < runs.size(); ++i) {
    std::vector<const Json*> looks;
    for (const Json& event : runs[i].events)
      if (is_event(event, "monitor")) looks.push_back(&event);
    if (looks.empty()) continue;
    if (looks.size() > 1) looks = {looks.front(), looks.back()};
    const KnnStory knn = knn_story(runs[i].events);
    rows += fmt::format("<tr><th scope=\"rowgroup\" rowspan=\"{}\">{}</th>", looks.size(), run_label(runs, i));
    for (size_t k = 0; k < looks.size(); ++k) rows += (k > 0 ? "<tr>" : "") + figures_row(*looks[k], knn);
  }
  if (rows.empty()) return;
  page.begin_section("figures", "First and last look", "");
  page.add(
      fmt::format("<div class=\"scroll\"><table class=\"figures\"><thead>{}<th scope=\"col\" rowspan=\"2\">kNN "
                  "top-1</th></tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n",
                  head, second, rows));
  page.end_section();
}

}  // namespace

std::string render_comparison(std::string_view title, const std::vector<NamedRun>& runs) {
  require(runs.size() >= 2, "a comparison needs two runs or more, not {}", runs.size());
  require(runs.size() <= most_compared_runs, "a comparison shows {} runs at most, not {}: name fewer",
          most_compared_runs, runs.size());
  Page page;
  const std::vector<ConfigGroup> common = common_settings(runs);
  const std::string page_title =
      title.empty() ? fmt::format("{} runs · {}", runs.size(), run_title(common)) : std::string(title);
  add_heading(page, "minissl comparison of training runs", page_title, common);
  add_legend(page, runs);
  add_settings(page, runs);
  add_story(page, runs);
  add_spread(page, runs);
  add_accuracy(page, runs);
  add_losses(page, runs);
  add_figures(page, runs);
  return page.render(page_title);
}

}  // namespace minissl
