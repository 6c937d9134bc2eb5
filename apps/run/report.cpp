#include "apps/run/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "apps/run/assets.h"
#include "apps/run/curves.h"
#include "apps/run/html.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace minissl {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// The page while it is being put together: its sections, and what its script is to draw into them.
struct Page {
  std::string body;
  Json charts = Json::object();
};

// ---- pieces
// -----------------------------------------------------------------------------------------------------------

/// Six digits are more than a chart can show, and a third of the bytes.
Json short_numbers(const std::vector<double>& values) {
  Json array = Json::array();
  for (double value : values)
    array.push_back(std::isfinite(value) ? Json(std::stod(fmt::format("{:.6g}", value))) : Json());
  return array;
}

Json to_json(const Chart& chart) {
  Json curves = Json::array();
  for (const Curve& curve : chart.curves) {
    Json json = {{"name", curve.name},
                 {"colour", curve.colour},
                 {"dashed", curve.dashed},
                 {"x", short_numbers(curve.x)},
                 {"y", short_numbers(curve.y)}};
    if (!curve.low.empty()) {
      json["low"] = short_numbers(curve.low);
      json["high"] = short_numbers(curve.high);
    }
    curves.push_back(std::move(json));
  }
  return {{"x_label", chart.x_label},
          {"from_zero", chart.from_zero},
          {"logarithmic", chart.logarithmic},
          {"curves", curves}};
}

std::string element(const char* tag, std::string_view text) {
  return fmt::format("<{0}>{1}</{0}>", tag, escape_html(text));
}

std::string format_percent(double fraction) {
  return std::isfinite(fraction) ? fmt::format("{:.1f}%", 100 * fraction) : "–";
}

/// A titled chart with its last value beside the title.
void add_chart(Page& page, const Chart& chart, std::string_view size, const std::string& last) {
  if (chart.curves.empty()) {
    page.body += fmt::format(
        "<figure class=\"chart {}\"><figcaption><span>{}</span></figcaption><p class=\"empty\">not "
        "measured</p></figure>\n",
        size, escape_html(chart.title));
    return;
  }
  page.charts[chart.id] = to_json(chart);
  page.body += fmt::format(
      "<figure class=\"chart {}\"><figcaption><span>{}{}</span><b>{}</b></figcaption>"
      "<div class=\"plot\"><canvas data-chart=\"{}\" role=\"img\" aria-label=\"{}\"></canvas></div></figure>\n",
      size, escape_html(chart.title), chart.logarithmic ? " <small>(logarithmic)</small>" : "", escape_html(last),
      escape_html(chart.id), escape_html(description(chart)));
}

void open_section(Page& page, std::string_view id, std::string_view title, std::string_view lead) {
  page.body += fmt::format("<section aria-labelledby=\"{0}\"><h2 id=\"{0}\">{1}</h2>\n", id, escape_html(title));
  if (!lead.empty()) page.body += fmt::format("<p class=\"lead\">{}</p>\n", escape_html(lead));
}

// ---- header
// -----------------------------------------------------------------------------------------------------------

/// How the papers write the names that flags write in lower case.
std::string proper_name(const std::string& name) {
  static const std::vector<std::pair<std::string_view, std::string_view>> names = {
      {"moco", "MoCo v2"},    {"barlow", "Barlow Twins"}, {"vicreg", "VICReg"},      {"simclr", "SimCLR"},
      {"simsiam", "SimSiam"}, {"byol", "BYOL"},           {"resnet18", "ResNet-18"}, {"resnet50", "ResNet-50"}};
  for (const auto& [flag, proper] : names)
    if (name == flag) return std::string(proper);
  return name;
}

std::string title_of(const ReportInput& input) {
  if (!input.title.empty()) return input.title;
  const std::string method = proper_name(setting(input.config, "method")),
                    arch = proper_name(setting(input.config, "arch"));
  const std::string title = method.empty() || arch.empty() ? method + arch : method + " · " + arch;
  return title.empty() ? "Training run" : title;
}

void add_header(Page& page, const ReportInput& input, const std::string& title) {
  page.body += fmt::format("<header><p class=\"eyebrow\">minissl training report</p><h1>{}</h1>\n", escape_html(title));
  std::string facts;
  for (const auto& [key, label] : {std::pair{"data", "data"},
                                   {"size", "image size"},
                                   {"batch", "batch"},
                                   {"epochs", "epochs"},
                                   {"optimizer", "optimizer"},
                                   {"lr", "learning rate"},
                                   {"precision", "precision"},
                                   {"seed", "seed"}})
    if (const std::string value = setting(input.config, key); !value.empty())
      facts += fmt::format("<div>{}{}</div>", element("dt", label), element("dd", value));
  if (!facts.empty()) page.body += fmt::format("<dl class=\"facts\">{}</dl>\n", facts);
  page.body += "</header>\n";
}

// ---- verdict
// ----------------------------------------------------------------------------------------------------------

std::vector<const Json*> monitor_events(const std::vector<Json>& events) {
  std::vector<const Json*> looks;
  for (const Json& event : events)
    if (is_event(event, "monitor") && event.contains("verdict") && event.at("verdict").is_string())
      looks.push_back(&event);
  return looks;
}

/// "Its spread is now 17% of what it was at most; that of the directions 94%."
std::string spread_sentence(const std::vector<Json>& events) {
  std::string sentence;
  for (const SpreadCharts& row : spread_charts(events)) {
    const bool directions = row.backbone.id == "backbone.std_normalized";
    if ((row.backbone.id != "backbone.std" && !directions) || row.backbone.curves.empty()) continue;
    const std::vector<double>& y = row.backbone.curves[0].y;
    double most = 0;
    for (double value : y) most = std::isfinite(value) ? std::max(most, value) : most;
    const double last = last_value(row.backbone);
    if (!(most > 0) || y.size() < 2) continue;
    const std::string share = fmt::format("{:.0f}%", 100 * last / most);
    sentence +=
        directions
            ? fmt::format("{} directions: {}.", sentence.empty() ? "Spread of the backbone's" : " Of their", share)
            : fmt::format("Spread of the backbone's features, compared with the most it was: {}.", share);
  }
  return sentence;
}

void add_verdict(Page& page, const std::vector<Json>& events) {
  const std::vector<const Json*> looks = monitor_events(events);
  if (looks.empty()) return;
  const Json& last = *looks.back();
  const auto verdict = last.at("verdict").get<std::string>();
  const Severity severity = severity_of(verdict);
  constexpr std::array classes{"healthy", "warning", "collapsed"};
  constexpr std::array headings{"No collapse", "Watch the spread", "The features have collapsed"};
  const auto place = static_cast<size_t>(severity);

  std::string history;
  int64_t bad = 0;
  double first_bad = nan;
  for (const Json* look : looks)
    if (severity_of(look->at("verdict").get<std::string>()) != Severity::healthy && bad++ == 0)
      first_bad = number(*look, "epoch");
  if (bad > 0)
    history = fmt::format(" {} of {} looks gave cause for concern, the first after epoch {}.", bad, looks.size(),
                          format_number(first_bad));

  page.body += fmt::format(
      "<section class=\"verdict {}\" aria-labelledby=\"verdict\"><span class=\"badge\" "
      "aria-hidden=\"true\"></span><div>"
      "<h2 id=\"verdict\">{}</h2><p>{}</p><p class=\"fine\">Collapse monitor after epoch {}. "
      "{}{}</p></div></section>\n",
      classes[place], headings[place], escape_html(verdict), format_number(number(last, "epoch")),
      escape_html(spread_sentence(events)), escape_html(history));
}

// ---- key figures
// ------------------------------------------------------------------------------------------------------

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
    tile("Epochs done", format_number(number(*last_epoch, "epoch") + 1), epochs.empty() ? "" : "of " + epochs);
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
  if (!tiles.empty()) page.body += fmt::format("<dl class=\"tiles\" aria-label=\"Key figures\">{}</dl>\n", tiles);
}

// ---- sections
// ---------------------------------------------------------------------------------------------------------

/// How the curves of many steps were thinned out; empty when they were not.
std::string thinning(const std::vector<Json>& events, const Curve& curve) {
  if (curve.low.empty()) return {};
  const auto steps =
      std::count_if(events.begin(), events.end(), [](const Json& event) { return is_event(event, "step"); });
  const auto points = static_cast<int64_t>(curve.y.size());
  return fmt::format("Each point is the mean of {} steps; the band spans their minimum and maximum.",
                     (steps + points - 1) / points);
}

void add_training(Page& page, const std::vector<Json>& events) {
  const std::vector<Chart> losses = loss_charts(events), pace = pace_charts(events);
  if (losses.empty() && pace.empty()) return;
  open_section(page, "training", "Training",
               "A loss that falls smoothly proves little by itself: it also does so while the features collapse. Read "
               "it with the next section.");
  if (const LossAccidents accidents = loss_accidents(events); accidents.count > 0)
    page.body +=
        fmt::format("<p class=\"alert\"><b>The loss was not a finite number</b> in {} {}, first in step {}.</p>\n",
                    accidents.count, accidents.count == 1 ? "step" : "steps", accidents.first_step);
  if (!losses.empty()) add_chart(page, losses[0], "large", format_number(last_value(losses[0])));
  page.body += "<div class=\"grid\">\n";
  for (size_t i = 1; i < losses.size(); ++i) add_chart(page, losses[i], "small", format_number(last_value(losses[i])));
  for (const Chart& chart : pace) add_chart(page, chart, "small", format_number(last_value(chart)));
  page.body += "</div>\n";
  if (const std::string note = thinning(events, (losses.empty() ? pace : losses)[0].curves[0]); !note.empty())
    page.body += fmt::format("<p class=\"fine\">{}</p>\n", escape_html(note));
  page.body += "</section>\n";
}

/// The figures of the monitor as a table, for screen readers and for copying.
std::string spread_table(const std::vector<Json>& events) {
  constexpr std::array fields{"std", "std_normalized", "norm", "mean_cos", "eff_rank"};
  constexpr std::array spaces{"backbone", "projection"};
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
  open_section(page, "collapse", "Collapse monitor",
               "How far the features of different images lie apart, in the backbone (what is kept after training) and "
               "in the projection (what the loss sees).");
  for (const SpreadCharts& row : rows) {
    page.body += fmt::format("<div class=\"metric\"><div class=\"what\">{}{}</div>\n", element("h3", row.title),
                             element("p", row.explanation));
    add_chart(page, row.backbone, "small", format_number(last_value(row.backbone)));
    add_chart(page, row.projection, "small", format_number(last_value(row.projection)));
    page.body += "</div>\n";
  }
  page.body += spread_table(events) + "</section>\n";
}

void add_accuracy(Page& page, const std::vector<Json>& events) {
  Chart chart = accuracy_chart(events);
  if (chart.curves.empty()) return;
  open_section(page, "accuracy", "Nearest-neighbour accuracy",
               "Test images classified by their nearest training images in the backbone's features. Worth something "
               "only above the dashed lines.");
  const std::string last = format_percent(last_value(chart));
  chart.title = "kNN top-1";
  for (Curve& curve : chart.curves)
    for (double& y : curve.y) y *= 100;
  chart.curves[0].name = "kNN top-1, %";
  add_chart(page, chart, "medium", last);
  page.body += "</section>\n";
}

void add_views(Page& page, const std::string& png) {
  if (png.empty()) return;
  open_section(page, "views", "What the network sees",
               "Two random views of each image, side by side. Is what matters still there in both?");
  page.body += fmt::format(
      "<figure class=\"views\"><img alt=\"Pairs of augmented views of training images\" "
      "src=\"{}\"></figure></section>\n",
      data_url("image/png", png));
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
  open_section(page, "memory", "Memory",
               fmt::format("{} in use at the peak on {}, and what for.", bytes(peak), device));
  page.body +=
      "<div class=\"scroll\"><table class=\"memory\"><thead><tr><th scope=\"col\">Tag</th><th scope=\"col\">At the "
      "peak</th>"
      "<th scope=\"col\"><span class=\"hidden\">Share</span></th><th scope=\"col\">Own "
      "maximum</th></tr></thead><tbody>\n";
  for (const auto& [tag, usage] : event.at("tags").items()) {
    if (!usage.is_object() || !(number(usage, "peak_bytes") > 0)) continue;
    const double at_peak = number(usage, "at_peak_bytes");
    const double share = peak > 0 && std::isfinite(at_peak) ? 100 * at_peak / peak : 0;
    page.body += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"bar\"><meter min=\"0\" max=\"100\" "
        "value=\"{:.1f}\">{:.0f}%</meter></td><td>{}</td></tr>\n",
        escape_html(tag), bytes(at_peak), share, share, bytes(number(usage, "peak_bytes")));
  }
  page.body += "</tbody></table></div></section>\n";
}

void add_config(Page& page, const std::vector<ConfigGroup>& groups) {
  if (groups.empty()) return;
  open_section(page, "config", "Configuration", "Every value the run used, defaults included: config.toml repeats it.");
  page.body += "<div class=\"config\">\n";
  for (const ConfigGroup& group : groups) {
    page.body += fmt::format("<table><caption>{}</caption><tbody>", escape_html(group.name));
    for (const auto& [key, value] : group.settings)
      page.body += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape_html(key), escape_html(value));
    page.body += "</tbody></table>\n";
  }
  page.body += "</div></section>\n";
}

void add_notes(Page& page, const std::vector<std::string>& notes) {
  if (notes.empty()) return;
  open_section(page, "notes", "Notes", "");
  page.body += "<ul class=\"notes\">";
  for (const std::string& note : notes) page.body += element("li", note);
  page.body += "</ul></section>\n";
}

std::string finish(const Page& page, std::string_view title) {
  const std::string escaped_title = escape_html(title), data = json_in_script(page.charts);
  return fill_template(assets::page_html(), {{"title", escaped_title},
                                             {"style", assets::page_css()},
                                             {"body", page.body},
                                             {"data", data},
                                             {"chart_js", assets::chart_js()},
                                             {"script", assets::page_js()}});
}

}  // namespace

Severity severity_of(std::string_view verdict) {
  std::string words(verdict);
  std::transform(words.begin(), words.end(), words.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (words.starts_with("healthy")) return Severity::healthy;
  return words.find("collaps") != words.npos ? Severity::collapsed : Severity::warning;
}

std::string render_report(const ReportInput& input) {
  Page page;
  const std::string title = title_of(input);
  add_header(page, input, title);
  add_verdict(page, input.events);
  add_key_figures(page, input);
  if (input.events.empty()) page.body += "<p class=\"lead\">No step was logged yet.</p>\n";
  add_training(page, input.events);
  add_spread(page, input.events);
  add_accuracy(page, input.events);
  add_views(page, input.views_png);
  add_memory(page, input.events);
  add_config(page, input.config);
  add_notes(page, input.notes);
  return finish(page, title);
}

std::string render_monitor_html(const std::string& title, const std::vector<Json>& events) {
  Page page;
  page.body +=
      fmt::format("<header><p class=\"eyebrow\">minissl monitor</p><h1>{}</h1></header>\n", escape_html(title));
  add_verdict(page, events);
  add_spread(page, events);
  return finish(page, title);
}

ReportInput read_run_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path config = folder / "config.toml", metrics = folder / "metrics.jsonl", views = folder / "views.png";
  require(fs::exists(config) || fs::exists(metrics),
          "{}: not the folder of a run: neither config.toml nor metrics.jsonl is there", folder.string());
  ReportInput input;
  if (fs::exists(config)) input.config = config_table(read_file(config));
  if (fs::exists(metrics)) input.events = read_metrics(metrics);
  if (fs::exists(views)) input.views_png = read_file(views);
  return input;
}

void write_report(const std::filesystem::path& folder) {
  write_file(folder / "report.html", render_report(read_run_folder(folder)));
}

}  // namespace minissl
