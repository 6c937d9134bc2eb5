#include "apps/run/curves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <string_view>

namespace minissl {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// The step events as columns, one for each field; NaN if a step lacks it.
struct StepTable {
  std::vector<double> steps;
  std::vector<std::pair<std::string, std::vector<double>>> columns;

  explicit StepTable(const std::vector<Json>& events) {
    for (const Json& event : events) {
      if (!is_event(event, "step")) continue;
      steps.push_back(number(event, "step"));
      size_t likely = 0;  // most steps have the fields of the previous step, in the same order
      for (const auto& [field, value] : event.get_ref<const Json::object_t&>()) {
        if (field != "lr" && field != "images_per_s" && !field.starts_with("loss")) continue;
        std::vector<double>& column = column_of(field, likely++);
        column.resize(steps.size(), nan);
        if (value.is_number()) column.back() = value.get<double>();
      }
    }
    for (auto& [field, column] : columns) column.resize(steps.size(), nan);
  }

 private:
  std::vector<double>& column_of(const std::string& field, size_t likely) {
    if (likely < columns.size() && columns[likely].first == field) return columns[likely].second;
    for (auto& [name, column] : columns)
      if (name == field) return column;
    return columns.emplace_back(field, std::vector<double>()).second;
  }
};

bool has_values(const Curve& curve) {
  return std::any_of(curve.y.begin(), curve.y.end(), [](double y) { return std::isfinite(y); });
}

int64_t points_each_bucket(int64_t count, int64_t most) { return std::max<int64_t>(1, (count + most - 1) / most); }

struct Metric {
  const char *field, *title, *explanation;
  bool from_zero;
};

constexpr std::array metrics{
    Metric{"std", "Spread (std)",
           "How far images lie apart in each dimension. When it dies while the loss falls smoothly, the features are "
           "collapsing, unless only their lengths shrink: the next row tells.",
           true},
    Metric{"std_normalized", "Spread of directions (std_normalized)",
           "The same with every vector scaled to length one, so lengths can't fake it. Falling towards zero means that "
           "all images point the same way: collapse.",
           true},
    Metric{"norm", "Length (norm)",
           "Mean length of a feature vector. If it falls together with std while the spread of directions holds, the "
           "features shrink but don't collapse.",
           true},
    Metric{"mean_cos", "Similarity of strangers (mean_cos)",
           "Mean cosine between different images. Rising towards 1 means that the encoder can't tell them apart.",
           false},
    Metric{"eff_rank", "Effective rank (eff_rank)",
           "How many dimensions the variance fills. Falling towards 1 is dimensional collapse. It can stay high while "
           "std dies, so never read it alone.",
           true},
};

Chart spread_chart(const std::vector<const Json*>& looks, const char* space, const char* label, const Metric& metric,
                   int colour) {
  Chart chart{.id = fmt::format("{}.{}", space, metric.field),
              .title = label,
              .x_label = "epoch",
              .from_zero = metric.from_zero};
  Curve curve{.name = label, .colour = colour};
  for (const Json* look : looks)
    if (look->contains(space) && look->at(space).contains(metric.field)) {
      curve.x.push_back(number(*look, "epoch"));
      curve.y.push_back(number(look->at(space), metric.field));
    }
  if (has_values(curve)) chart.curves.push_back(std::move(curve));
  return chart;
}

}  // namespace

Curve bucket_means(std::string name, const std::vector<double>& x, const std::vector<double>& y, int64_t most) {
  Curve curve{.name = std::move(name)};
  const auto count = static_cast<int64_t>(x.size());
  const int64_t width = points_each_bucket(count, most);
  for (int64_t begin = 0; begin < count; begin += width) {
    const int64_t end = std::min(count, begin + width);
    double sum_x = 0, sum = 0, low = nan, high = nan;
    int64_t finite = 0;
    for (int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<size_t>(i);
      sum_x += x[at];
      if (!std::isfinite(y[at])) continue;
      ++finite;
      sum += y[at];
      low = std::fmin(low, y[at]);
      high = std::fmax(high, y[at]);
    }
    curve.x.push_back(sum_x / static_cast<double>(end - begin));
    curve.y.push_back(finite > 0 ? sum / static_cast<double>(finite) : nan);
    if (width > 1) {
      curve.low.push_back(low);
      curve.high.push_back(high);
    }
  }
  return curve;
}

TrainingCharts training_charts(const std::vector<Json>& events) {
  const StepTable table(events);
  TrainingCharts charts;
  charts.steps_each_point = points_each_bucket(static_cast<int64_t>(table.steps.size()), most_points);
  for (const auto& [field, values] : table.columns) {
    const bool total = field == "loss", term = field.starts_with("loss/");
    for (size_t i = 0; total && i < values.size(); ++i)
      if (!std::isfinite(values[i]) && charts.losses_not_finite++ == 0)
        charts.first_not_finite = static_cast<int64_t>(table.steps[i]);
    const std::string title = total           ? "Loss"
                              : term          ? field.substr(std::string_view("loss/").size())
                              : field == "lr" ? "Learning rate"
                                              : "Images per second";
    Curve curve = bucket_means(total ? "loss" : title, table.steps, values);
    if (!has_values(curve)) continue;
    Chart chart{.id = field, .title = title, .x_label = "step"};
    chart.from_zero = !total && !term;
    chart.curves.push_back(std::move(curve));
    chart.logarithmic = (total || term) && spans_magnitudes(chart);
    (total || term ? charts.losses : charts.pace).push_back(std::move(chart));
  }
  return charts;
}

Chart accuracy_chart(const std::vector<Json>& events) {
  Chart chart{.id = "knn_top1", .title = "Nearest-neighbour accuracy", .x_label = "epoch"};
  Curve accuracy{.name = "kNN top-1"};
  double untrained = nan, pixels = nan;
  for (const Json& event : events) {
    if (!is_event(event, "eval")) continue;
    if (event.contains("knn_top1")) {
      accuracy.x.push_back(number(event, "epoch"));
      accuracy.y.push_back(number(event, "knn_top1"));
    }
    if (const auto baseline = event.find("baseline"); baseline != event.end()) {
      if (const double value = number(*baseline, "untrained"); std::isfinite(value)) untrained = value;
      if (const double value = number(*baseline, "pixels"); std::isfinite(value)) pixels = value;
    }
  }
  if (!has_values(accuracy)) return chart;
  const std::vector<double> ends = {accuracy.x.front(), accuracy.x.back()};
  chart.curves.push_back(std::move(accuracy));
  for (const auto& [name, level] : {std::pair{"untrained network", untrained}, std::pair{"raw pixels", pixels}})
    if (std::isfinite(level))
      chart.curves.push_back({.name = name, .x = ends, .y = {level, level}, .colour = neutral_colour, .dashed = true});
  return chart;
}

Chart memory_chart(const Json& event) {
  Chart chart{.id = "memory_timeline", .title = "GiB over a step", .x_label = "operation", .from_zero = true};
  const auto timeline = event.find("timeline");
  if (timeline == event.end() || !timeline->is_object()) return chart;
  const auto curve = [&](const char* name, const char* field, int colour) {
    Curve c{.name = name, .colour = colour};
    const auto x = timeline->find("operation"), y = timeline->find(field);
    if (x == timeline->end() || y == timeline->end() || !x->is_array() || !y->is_array() || x->size() != y->size())
      return;
    for (size_t i = 0; i < x->size(); ++i) {
      if (!(*x)[i].is_number() || !(*y)[i].is_number()) return;
      c.x.push_back((*x)[i].get<double>());
      c.y.push_back((*y)[i].get<double>() / 0x1p30);
    }
    if (has_values(c)) chart.curves.push_back(std::move(c));
  };
  curve("in use", "live_bytes", 0);
  curve("kept for backward", "saved_bytes", 1);
  return chart;
}

std::vector<SpreadCharts> spread_charts(const std::vector<Json>& events) {
  std::vector<const Json*> looks;
  for (const Json& event : events)
    if (is_event(event, "monitor")) looks.push_back(&event);
  std::vector<SpreadCharts> rows;
  for (const Metric& metric : metrics) {
    SpreadCharts row{metric.title, metric.explanation, spread_chart(looks, "backbone", "Backbone", metric, 0),
                     spread_chart(looks, "projection", "Projection", metric, 1)};
    if (!row.backbone.curves.empty() || !row.projection.curves.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

bool spans_magnitudes(const Chart& chart) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const Curve& curve : chart.curves)
    for (double y : curve.y)
      if (std::isfinite(y)) {
        low = std::min(low, y);
        high = std::max(high, y);
      }
  // Two examples: Barlow Twins' loss, which starts in the thousands, and the spread of embeddings that collapse.
  return low > 0 && high > 50 * low;
}

double last_value(const Chart& chart) {
  if (chart.curves.empty()) return nan;
  const std::vector<double>& y = chart.curves[0].y;
  const auto last = std::find_if(y.rbegin(), y.rend(), [](double value) { return std::isfinite(value); });
  return last == y.rend() ? nan : *last;
}

std::string description(const Chart& chart) {
  std::string text = chart.title;
  for (const Curve& curve : chart.curves) {
    std::vector<double> finite;
    std::copy_if(curve.y.begin(), curve.y.end(), std::back_inserter(finite), [](double y) { return std::isfinite(y); });
    if (finite.empty()) continue;
    const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
    if (curve.dashed)
      text += fmt::format("; {}: {}", curve.name, format_number(finite[0]));
    else
      text += fmt::format(", {} {} to {}: from {} to {}, lowest {}, highest {}", chart.x_label,
                          format_number(curve.x.front()), format_number(curve.x.back()), format_number(finite.front()),
                          format_number(finite.back()), format_number(*low), format_number(*high));
  }
  return text + ".";
}

std::string format_number(double value) {
  if (!std::isfinite(value)) return "–";
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size < 1e-3 || size >= 1e9) return fmt::format("{:.1e}", value);
  if (size >= 999.5) {
    std::string digits = fmt::format("{:.0f}", size);
    for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), 1, ',');
    return value < 0 ? "-" + digits : digits;
  }
  if (value == std::round(value)) return fmt::format("{:.0f}", value);
  if (size < 0.09995) {
    std::string digits = fmt::format("{:.{}f}", value, size < 0.009995 ? 5 : 4);
    return digits.substr(0, digits.find_last_not_of('0') + 1);
  }
  return fmt::format("{:.{}f}", value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

std::string format_percent(double fraction) {
  return std::isfinite(fraction) ? fmt::format("{:.1f}%", 100 * fraction) : "–";
}

std::string format_share(double fraction) {
  return fraction < 0.005 ? "less than 1%" : fmt::format("{:.0f}%", 100 * fraction);
}

}  // namespace minissl
