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

/// One field of all the step events as a curve.
Curve step_curve(const std::vector<Json>& events, const std::string& field, std::string name) {
  std::vector<double> steps, values;
  for (const Json& event : events)
    if (is_event(event, "step") && event.contains(field)) {
      steps.push_back(number(event, "step"));
      values.push_back(number(event, field.c_str()));
    }
  return bucket_means(std::move(name), steps, values);
}

bool has_values(const Curve& curve) {
  return std::any_of(curve.y.begin(), curve.y.end(), [](double y) { return std::isfinite(y); });
}

/// A loss that starts in the thousands (Barlow Twins) hides its end on a linear axis.
bool spans_magnitudes(const Curve& curve) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (double y : curve.y)
    if (std::isfinite(y)) {
      low = std::min(low, y);
      high = std::max(high, y);
    }
  return low > 0 && high > 50 * low;
}

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

Chart spread_chart(const std::vector<Json>& events, const char* space, const char* label, const Metric& metric,
                   int colour) {
  Chart chart{.id = fmt::format("{}.{}", space, metric.field),
              .title = label,
              .explanation = {},
              .x_label = "epoch",
              .curves = {},
              .from_zero = metric.from_zero};
  Curve curve{.name = label, .x = {}, .y = {}, .low = {}, .high = {}, .colour = colour};
  for (const Json& event : events)
    if (is_event(event, "monitor") && event.contains(space) && event.at(space).contains(metric.field)) {
      curve.x.push_back(number(event, "epoch"));
      curve.y.push_back(number(event.at(space), metric.field));
    }
  if (has_values(curve)) chart.curves.push_back(std::move(curve));
  return chart;
}

}  // namespace

Curve bucket_means(std::string name, const std::vector<double>& x, const std::vector<double>& y, int64_t most) {
  Curve curve{.name = std::move(name), .x = {}, .y = {}, .low = {}, .high = {}};
  const auto count = static_cast<int64_t>(x.size());
  const int64_t width = std::max<int64_t>(1, (count + most - 1) / most);
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

std::vector<Chart> loss_charts(const std::vector<Json>& events) {
  std::vector<std::string> fields = {"loss"};
  for (const Json& event : events) {
    if (!is_event(event, "step")) continue;
    for (const auto& [field, value] : event.items())
      if (field.starts_with("loss/") && std::find(fields.begin(), fields.end(), field) == fields.end())
        fields.push_back(field);
  }
  std::vector<Chart> charts;
  for (const std::string& field : fields) {
    const bool total = field == "loss";
    Curve curve = step_curve(events, field, total ? "loss" : field.substr(std::string_view("loss/").size()));
    if (!has_values(curve)) continue;
    Chart chart{.id = field, .title = total ? "Loss" : curve.name, .explanation = {}, .x_label = "step", .curves = {}};
    chart.logarithmic = spans_magnitudes(curve);
    chart.curves.push_back(std::move(curve));
    charts.push_back(std::move(chart));
  }
  return charts;
}

std::vector<Chart> pace_charts(const std::vector<Json>& events) {
  std::vector<Chart> charts;
  for (const auto& [field, title] :
       {std::pair{"lr", "Learning rate"}, std::pair{"images_per_s", "Images per second"}}) {
    Curve curve = step_curve(events, field, title);
    if (!has_values(curve)) continue;
    charts.push_back({.id = field,
                      .title = title,
                      .explanation = {},
                      .x_label = "step",
                      .curves = {std::move(curve)},
                      .from_zero = true});
  }
  return charts;
}

Chart accuracy_chart(const std::vector<Json>& events) {
  Chart chart{
      .id = "knn_top1", .title = "Nearest-neighbour accuracy", .explanation = {}, .x_label = "epoch", .curves = {}};
  Curve accuracy{.name = "kNN top-1", .x = {}, .y = {}, .low = {}, .high = {}};
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
      chart.curves.push_back(
          {.name = name, .x = ends, .y = {level, level}, .low = {}, .high = {}, .colour = 2, .dashed = true});
  return chart;
}

std::vector<SpreadCharts> spread_charts(const std::vector<Json>& events) {
  std::vector<SpreadCharts> rows;
  for (const Metric& metric : metrics) {
    SpreadCharts row{metric.title, metric.explanation, spread_chart(events, "backbone", "Backbone", metric, 0),
                     spread_chart(events, "projection", "Projection", metric, 1)};
    if (!row.backbone.curves.empty() || !row.projection.curves.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

LossAccidents loss_accidents(const std::vector<Json>& events) {
  LossAccidents accidents;
  for (const Json& event : events) {
    if (!is_event(event, "step") || !event.contains("loss") || std::isfinite(number(event, "loss"))) continue;
    if (accidents.count++ == 0) accidents.first_step = event.at("step").get<int64_t>();
  }
  return accidents;
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
  return fmt::format("{:.{}f}", value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

}  // namespace minissl
