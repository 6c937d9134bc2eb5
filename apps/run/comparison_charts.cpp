#include "apps/run/comparison_charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <string_view>

#include "apps/run/heading.h"

namespace minissl {
namespace {

/// The settings that affect the value of a term besides the embeddings. A term's weight doesn't: terms are logged
/// without it.
constexpr std::array loss_settings{"method", "temperature", "queue", "symmetric", "lambda", "weights", "dim", "batch"};

Curve as_curve_of_run(Curve curve, const NamedRun& run, size_t place) {
  curve.name = run.name;
  curve.colour = run_colour(place);
  curve.mark = static_cast<int>(place);
  return curve;
}

/// Adds a run's chart, which has at most one curve, to the chart of all runs.
void add_curve(Chart& all, const Chart& of_run, const NamedRun& run, size_t place) {
  std::vector<Curve> curves = std::move(all.curves);
  if (all.id.empty()) all = of_run;
  all.curves = std::move(curves);
  if (!of_run.curves.empty()) all.curves.push_back(as_curve_of_run(of_run.curves[0], run, place));
}

/// The loss or one of its terms over the epochs; no curve if no epoch has it.
std::optional<Curve> epoch_means(const std::vector<Json>& events, const std::string& field) {
  Curve curve;
  for (const Json& event : events)
    if (is_event(event, "epoch") && std::isfinite(number(event, field.c_str()))) {
      curve.x.push_back(epochs_done(event));
      curve.y.push_back(number(event, field.c_str()));
    }
  if (curve.y.empty()) return std::nullopt;
  return curve;
}

/// "loss/infonce", ...; "loss" if there are no terms.
std::vector<std::string> terms_of(const std::vector<Json>& events) {
  std::vector<std::string> terms;
  for (const Json& event : events) {
    if (!is_event(event, "epoch")) continue;
    for (const auto& [field, value] : event.items())
      if (field.starts_with("loss/") && value.is_number() &&
          std::find(terms.begin(), terms.end(), field) == terms.end())
        terms.push_back(field);
  }
  if (terms.empty()) terms.emplace_back("loss");
  return terms;
}

bool same_loss(const NamedRun& a, const NamedRun& b) {
  return std::all_of(loss_settings.begin(), loss_settings.end(),
                     [&](const char* key) { return same_setting(setting(a.config, key), setting(b.config, key)); });
}

struct Baseline {
  std::string name;
  std::vector<Curve> levels;  ///< of each run that has it
};

/// Adds one level if all runs agree, else one for each.
void add_baseline(Chart& chart, const Baseline& baseline) {
  if (baseline.levels.empty()) return;
  Curve shared = baseline.levels[0];
  bool agree = true;
  for (const Curve& level : baseline.levels) {
    agree = agree && level.y == shared.y;
    shared.x = {std::min(shared.x[0], level.x[0]), std::max(shared.x[1], level.x[1])};
  }
  if (agree) {
    shared.name = baseline.name;
    shared.colour = neutral_colour;
    chart.curves.push_back(std::move(shared));
    return;
  }
  for (Curve level : baseline.levels) {
    level.name = fmt::format("{}: {}", level.name, baseline.name);
    chart.curves.push_back(std::move(level));
  }
}

/// The settings that affect the loss and differ between runs of this run's method: ", temperature 0.5".
std::string what_sets_apart(const NamedRun& run, const std::vector<NamedRun>& runs) {
  std::string text;
  for (const char* key : loss_settings) {
    const std::string value = setting(run.config, key);
    const auto differs = [&](const NamedRun& other) {
      return setting(other.config, "method") == setting(run.config, "method") &&
             !same_setting(setting(other.config, key), value);
    };
    if (std::any_of(runs.begin(), runs.end(), differs)) text += fmt::format(", {} {}", key, value);
  }
  return text;
}

}  // namespace

int run_colour(size_t i) {
  const int place = static_cast<int>(i);
  return place < neutral_colour ? place : place + 1;
}

std::vector<SpreadCharts> compared_spread(const std::vector<NamedRun>& runs) {
  std::vector<SpreadCharts> rows;
  for (size_t i = 0; i < runs.size(); ++i)
    for (SpreadCharts& row : spread_charts(runs[i].events)) {
      auto all = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.title == row.title; });
      if (all == rows.end()) all = rows.insert(rows.end(), {row.title, row.explanation, {}, {}});
      add_curve(all->backbone, row.backbone, runs[i], i);
      add_curve(all->projection, row.projection, runs[i], i);
    }
  for (SpreadCharts& row : rows)
    for (Chart* chart : {&row.backbone, &row.projection})
      chart->logarithmic = chart->from_zero && spans_magnitudes(*chart);
  return rows;
}

Chart compared_accuracy(const std::vector<NamedRun>& runs) {
  Chart all = accuracy_chart({});
  std::vector<Baseline> baselines = {{"untrained network", {}}, {"raw pixels", {}}};
  for (size_t i = 0; i < runs.size(); ++i) {
    Chart chart = accuracy_chart(runs[i].events);
    for (Curve& curve : chart.curves) {
      for (double& y : curve.y) y *= 100;
      for (Baseline& baseline : baselines)
        if (curve.name == baseline.name) baseline.levels.push_back(as_curve_of_run(curve, runs[i], i));
    }
    if (!chart.curves.empty()) all.curves.push_back(as_curve_of_run(chart.curves[0], runs[i], i));
  }
  for (const Baseline& baseline : baselines) add_baseline(all, baseline);
  all.title = "kNN top-1, %";
  return all;
}

std::string comparable_losses_note() {
  return fmt::format("Mean of each epoch, before weights. Runs share a chart where these agree: {}.",
                     fmt::join(loss_settings, ", "));
}

std::vector<Chart> compared_losses(const std::vector<NamedRun>& runs) {
  std::vector<Chart> charts;
  std::vector<bool> done(runs.size(), false);
  for (size_t i = 0; i < runs.size(); ++i) {
    if (done[i]) continue;
    std::vector<size_t> group;
    for (size_t k = i; k < runs.size(); ++k)
      if (same_loss(runs[i], runs[k])) {
        group.push_back(k);
        done[k] = true;
      }
    std::vector<std::string> terms;
    for (size_t k : group)
      for (const std::string& term : terms_of(runs[k].events))
        if (std::find(terms.begin(), terms.end(), term) == terms.end()) terms.push_back(term);
    for (const std::string& term : terms) {
      Chart chart{.id = fmt::format("{}/{}", i, term), .x_label = "epoch"};
      for (size_t k : group)
        if (auto curve = epoch_means(runs[k].events, term))
          chart.curves.push_back(as_curve_of_run(std::move(*curve), runs[k], k));
      if (chart.curves.empty()) continue;
      const std::string name = term == "loss" ? "Loss" : term.substr(std::string_view("loss/").size());
      const std::string method = proper_name(setting(runs[i].config, "method"));
      chart.title = fmt::format("{}{}{}{}", name, method.empty() ? "" : " · ", method, what_sets_apart(runs[i], runs));
      chart.logarithmic = spans_magnitudes(chart);
      charts.push_back(std::move(chart));
    }
  }
  return charts;
}

}  // namespace minissl
