#include "apps/run/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "apps/run/curves.h"
#include "apps/run/heading.h"
#include "apps/run/html.h"
#include "apps/run/page.h"
#include "apps/run/run_folder.h"
#include "apps/run/verdict.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace minissl {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void add_verdict(Page& page, const std::vector<Json>& events) {
  const std::optional<Verdict> verdict = last_verdict(events);
  if (!verdict) return;
  constexpr std::array classes{"healthy", "warning", "collapsed"};
  constexpr std::array headings{"No collapse", "Watch the spread", "Collapse"};
  const auto place = static_cast<size_t>(verdict->severity);
  page.add(
      fmt::format("<section class=\"verdict {}\" aria-labelledby=\"verdict\"><span class=\"badge\" "
                  "aria-hidden=\"true\"></span><div>"
                  "<h2 id=\"verdict\">{}</h2>{}<p class=\"fine\">{}</p></div></section>\n",
                  classes[place], headings[place], verdict->sentence.empty() ? "" : element("p", verdict->sentence),
                  escape_html(verdict->detail)));
}

double median(std::vector<double> values) {
  if (values.empty()) return nan;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void add_key_figures(Page& page, const ReportInput& input) {
  std::string tiles;
  const auto tile = [&](std::string_view label, const std::string& value, const std::string& detail) {
    tiles += fmt::format("<div>{}<dd>{}{}</dd></div>\n", element("dt", label), element("b", value),
                         element("small", detail));
  };
  const Json *last_step = nullptr, *last_epoch = nullptr;
  std::vector<double> speeds;
  for (const Json& event : input.events) {
    if (is_event(event, "epoch")) last_epoch = &event;
    if (!is_event(event, "step")) continue;
    last_step = &event;
    if (const double speed = number(event, "images_per_s"); std::isfinite(speed)) speeds.push_back(speed);
  }
  if (last_epoch != nullptr) {
    const std::string epochs = setting(input.config, "epochs");
    tile("Epochs done", format_number(epochs_done(*last_epoch)), epochs.empty() ? "" : "of " + epochs);
  }
  if (last_step != nullptr) {
    const Json& loss = last_epoch != nullptr ? *last_epoch : *last_step;
    tile("Loss", format_number(number(loss, "loss")), last_epoch != nullptr ? "mean of the last epoch" : "last step");
  }
  if (const Chart accuracy = accuracy_chart(input.events); !accuracy.curves.empty()) {
    std::string detail = "no baseline measured";
    if (accuracy.curves.size() > 1)
      detail = fmt::format("{}: {}", accuracy.curves[1].name, format_percent(accuracy.curves[1].y[0]));
    tile("kNN top-1", format_percent(last_value(accuracy)), detail);
  }
  for (const SpreadCharts& row : spread_charts(input.events))
    if (row.backbone.id == "backbone.eff_rank" && !row.backbone.curves.empty())
      tile("Effective rank", format_number(last_value(row.backbone)), "of the backbone's features");
  if (last_step != nullptr) {
    const double steps = number(*last_step, "step");
    tile("Last step", format_number(steps), speeds.empty() ? "" : format_number(median(speeds)) + " images/s (median)");
  }
  if (!tiles.empty()) page.add(fmt::format("<dl class=\"tiles\" aria-label=\"Key figures\">{}</dl>\n", tiles));
}

void add_training(Page& page, const std::vector<Json>& events) {
  const TrainingCharts charts = training_charts(events);
  if (charts.losses.empty() && charts.pace.empty()) return;
  page.begin_section(
      "training", "Training",
      "A loss that falls smoothly proves little by itself: it also does so while the features collapse. Read "
      "it with the next section.");
  if (charts.losses_not_finite > 0)
    page.add(fmt::format("<p class=\"alert\"><b>The loss was not a finite number</b> in {} {}, first in step {}.</p>\n",
                         charts.losses_not_finite, charts.losses_not_finite == 1 ? "step" : "steps",
                         charts.first_not_finite));
  if (!charts.losses.empty()) page.add_chart(charts.losses[0], "large", format_number(last_value(charts.losses[0])));
  page.add("<div class=\"grid\">\n");
  for (size_t i = 1; i < charts.losses.size(); ++i)
    page.add_chart(charts.losses[i], "small", format_number(last_value(charts.losses[i])));
  for (const Chart& chart : charts.pace) page.add_chart(chart, "small", format_number(last_value(chart)));
  page.add("</div>\n");
  if (charts.steps_each_point > 1)
    page.add(fmt::format(
        "<p class=\"fine\">Each point is the mean of {} steps; the band spans their minimum and maximum.</p>\n",
        charts.steps_each_point));
  page.end_section();
}

/// The monitor's figures as a table, for screen readers and for copying.
std::string spread_table(const std::vector<Json>& events) {
  constexpr std::array fields{"std", "std_normalized", "norm", "mean_cos", "eff_rank"};
  std::vector<const char*> spaces{"backbone"};
  if (std::any_of(events.begin(), events.end(), [](const Json& event) { return event.contains("projection"); }))
    spaces.push_back("projection");
  std::string head = "<tr><th scope=\"col\" rowspan=\"2\">epoch</th>", second = "<tr>";
  for (const char* space : spaces) {
    head += fmt::format("<th scope=\"colgroup\" colspan=\"{}\">{}</th>", fields.size(), space);
    for (const char* field : fields) second += fmt::format("<th scope=\"col\">{}</th>", field);
  }
  std::string rows;
  for (const Json& event : events) {
    if (!is_event(event, "monitor")) continue;
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", format_number(number(event, "epoch")));
    for (const char* space : spaces)
      for (const char* field : fields)
        rows += fmt::format("<td>{}</td>", format_number(event.contains(space) ? number(event.at(space), field) : nan));
    rows += "</tr>\n";
  }
  return fmt::format(
      "<details><summary>The figures</summary><div class=\"scroll\"><table "
      "class=\"figures\"><thead>{}</tr>{}</tr></thead>"
      "<tbody>\n{}</tbody></table></div></details>\n",
      head, second, rows);
}

void add_spread(Page& page, const std::vector<Json>& events) {
  const std::vector<SpreadCharts> rows = spread_charts(events);
  if (rows.empty()) return;
  begin_spread_section(page);
  // Methods that predict pixels have no projections.
  const bool projected =
      std::any_of(rows.begin(), rows.end(), [](const SpreadCharts& row) { return !row.projection.curves.empty(); });
  for (const SpreadCharts& row : rows) {
    page.add(fmt::format("<div class=\"metric\"><div class=\"what\">{}{}</div>\n", element("h3", row.title),
                         element("p", row.explanation)));
    page.add_chart(row.backbone, "small", format_number(last_value(row.backbone)));
    if (projected) page.add_chart(row.projection, "small", format_number(last_value(row.projection)));
    page.add("</div>\n");
  }
  page.add(spread_table(events));
  page.end_section();
}

void add_accuracy(Page& page, const std::vector<Json>& events) {
  Chart chart = accuracy_chart(events);
  if (chart.curves.empty()) return;
  std::string lead = "Test images classified by their nearest training images in the backbone's features.";
  if (chart.curves.size() > 1) lead += " Worth something only above the dashed lines.";
  page.begin_section("accuracy", "Nearest-neighbour accuracy", lead);
  const std::string last = format_percent(last_value(chart));
  chart.title = "kNN top-1";
  for (Curve& curve : chart.curves)
    for (double& y : curve.y) y *= 100;
  chart.curves[0].name = "kNN top-1, %";
  page.add_chart(chart, "medium", last);
  page.end_section();
}

void add_views(Page& page, const std::string& png) {
  if (png.empty()) return;
  page.begin_section("views", "What the network sees",
                     "Random views of images, those of one image side by side. Is what matters still there in each?");
  page.add(
      fmt::format("<figure class=\"views\"><img alt=\"Pairs of augmented views of training images\" "
                  "src=\"{}\"></figure>\n",
                  data_url("image/png", png)));
  page.end_section();
}

void add_reconstruction(Page& page, const std::string& png) {
  if (png.empty()) return;
  page.begin_section(
      "reconstruction", "What the network paints",
      "Each image as it is, with what was hidden of it in gray, if anything, and as the network paints it.");
  page.add(fmt::format("<figure class=\"views\"><img alt=\"Images, masked and painted\" src=\"{}\"></figure>\n",
                       data_url("image/png", png)));
  page.end_section();
}

void add_memory(Page& page, const std::vector<Json>& events) {
  const auto last =
      std::find_if(events.rbegin(), events.rend(), [](const Json& event) { return is_event(event, "memory"); });
  if (last == events.rend() || !last->contains("tags") || !last->at("tags").is_object()) return;
  const Json& event = *last;
  const double peak = number(event, "peak_bytes");
  const auto bytes = [](double count) {
    return std::isfinite(count) ? format_bytes(static_cast<int64_t>(count)) : "–";
  };
  std::string device = "the device";
  if (const auto found = event.find("device"); found != event.end() && found->is_string())
    device = found->get<std::string>();
  page.begin_section("memory", "Memory",
                     fmt::format("{} in use at the peak on {}, and what for.", bytes(peak), device));
  page.add(
      "<div class=\"scroll\"><table class=\"memory\"><thead><tr><th scope=\"col\">Tag</th><th scope=\"col\">At the "
      "peak</th>"
      "<th scope=\"col\"><span class=\"hidden\">Share</span></th><th scope=\"col\">Own "
      "maximum</th></tr></thead><tbody>\n");
  for (const auto& [tag, usage] : event.at("tags").items()) {
    if (!usage.is_object() || !(number(usage, "peak_bytes") > 0)) continue;
    const double at_peak = number(usage, "at_peak_bytes");
    const double share = peak > 0 && std::isfinite(at_peak) ? 100 * at_peak / peak : 0;
    page.add(
        fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"bar\"><meter min=\"0\" max=\"100\" "
                    "value=\"{:.1f}\">{:.0f}%</meter></td><td>{}</td></tr>\n",
                    escape_html(tag), bytes(at_peak), share, share, bytes(number(usage, "peak_bytes"))));
  }
  page.add("</tbody></table></div>\n");
  if (const Chart chart = memory_chart(event); !chart.curves.empty()) {
    page.add(
        fmt::format("<p class=\"lead\">Operation by operation, as predicted: the forward pass up to {:.0f}, then the "
                    "backward pass.</p>\n",
                    number(event.at("timeline"), "backward_from")));
    page.add_chart(chart, "large", bytes(peak));
  }
  page.end_section();
}

void add_config(Page& page, const std::vector<ConfigGroup>& groups) {
  if (groups.empty()) return;
  page.begin_section("config", "Configuration", "Every value the run used, defaults included: config.toml repeats it.");
  page.add("<div class=\"config\">\n");
  for (const ConfigGroup& group : groups) {
    page.add(fmt::format("<table><caption>{}</caption><tbody>", escape_html(group.name)));
    for (const auto& [key, value] : group.settings)
      page.add(fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape_html(key), escape_html(value)));
    page.add("</tbody></table>\n");
  }
  page.add("</div>\n");
  page.end_section();
}

void add_notes(Page& page, const std::vector<std::string>& notes) {
  if (notes.empty()) return;
  page.begin_section("notes", "Notes", "");
  page.add("<ul class=\"notes\">");
  for (const std::string& note : notes) page.add(element("li", note));
  page.add("</ul>\n");
  page.end_section();
}

}  // namespace

std::string render_report(const ReportInput& input) {
  Page page;
  const std::string title = input.title.empty() ? run_title(input.config) : input.title;
  add_heading(page, "minissl training report", title, input.config);
  add_verdict(page, input.events);
  add_key_figures(page, input);
  if (input.events.empty()) page.add("<p class=\"lead\">No step was logged yet.</p>\n");
  add_training(page, input.events);
  add_spread(page, input.events);
  add_accuracy(page, input.events);
  add_views(page, input.views_png);
  add_reconstruction(page, input.reconstruction_png);
  add_memory(page, input.events);
  add_config(page, input.config);
  add_notes(page, input.notes);
  return page.render(title);
}

std::string render_monitor_html(const std::string& title, const std::vector<Json>& events) {
  Page page;
  add_heading(page, "minissl monitor", title, {});
  add_verdict(page, events);
  add_spread(page, events);
  return page.render(title);
}

ReportInput read_run_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path config = folder / "config.toml", metrics = folder / "metrics.jsonl", views = folder / "views.png",
                 reconstruction = folder / run_file::reconstruction;
  require(fs::exists(config) || fs::exists(metrics),
          "{}: not the folder of a run: neither config.toml nor metrics.jsonl is there", folder.string());
  ReportInput input;
  if (fs::exists(config)) input.config = config_table(read_file(config));
  if (fs::exists(metrics)) input.events = read_metrics(metrics);
  if (fs::exists(views)) input.views_png = read_file(views);
  if (fs::exists(reconstruction)) input.reconstruction_png = read_file(reconstruction);
  return input;
}

void write_report(const std::filesystem::path& folder) {
  write_file(folder / "report.html", render_report(read_run_folder(folder)));
}

}  // namespace minissl
