#include "apps/run/chart.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "apps/run/canvas.h"
#include "tensor/error.h"

namespace minissl {
namespace {

// The light colours of assets/page.css.
constexpr Colour paper{255, 255, 255}, ink{27, 31, 36}, muted{90, 98, 110}, grid{228, 231, 236};
constexpr Colour palette[] = {{0, 92, 185},   {194, 78, 0},   {104, 112, 122}, {8, 80, 35}, {223, 89, 252},
                              {27, 143, 165}, {158, 51, 120}, {155, 150, 72},  {45, 32, 34}};

// In pixels.
constexpr float margin = 48, gutter = 56, column_width = 640, plot_height = 170, row_height = 290;
constexpr float label_width = 76, header_height = 110, title_size = 34, name_size = 26, label_size = 21;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  float place(double value) const { return static_cast<float>((value - low) / (high - low)); }
};

/// Uses as many decimals as the steps of the axis need.
std::string tick_label(double tick, const std::vector<double>& ticks) {
  if (std::max(std::abs(ticks.front()), std::abs(ticks.back())) < 1e-3)
    return tick == 0 ? "0" : fmt::format("{:.1e}", tick);
  const double decimals = std::ceil(-std::log10(ticks[1] - ticks[0]) - 1e-9);
  return fmt::format("{:.{}f}", tick, std::clamp(static_cast<int>(decimals), 0, 9));
}

/// Draws a chart with its top left corner, label column included, at `corner`.
void draw_chart(Canvas& canvas, const Chart& chart, Point corner) {
  const float left = corner.x + label_width, right = corner.x + column_width;
  const float top = corner.y + 46, bottom = top + plot_height;
  canvas.text({corner.x, corner.y + name_size}, chart.title, name_size - 2, muted);
  if (chart.curves.empty()) {
    canvas.text({(left + right) / 2, (top + bottom) / 2}, "not measured", label_size, muted, Align::centre);
    return;
  }
  canvas.text({right, corner.y + name_size}, format_number(last_value(chart)), name_size, ink, Align::right);

  Range xs, ys;
  if (chart.from_zero) ys.include(0);
  for (const Curve& curve : chart.curves) {
    for (double x : curve.x) xs.include(x);
    for (double y : curve.y) ys.include(y);
  }
  if (ys.low == ys.high) {  // all values are equal
    const double pad = ys.low != 0 ? 0.1 * std::abs(ys.low) : 1;
    ys.include(ys.low - (chart.from_zero ? 0 : pad));
    ys.include(ys.high + pad);
  }
  const std::vector<double> y_ticks = round_ticks(ys.low, ys.high, 4);
  ys.include(y_ticks.front());
  ys.include(y_ticks.back());
  if (xs.low == xs.high) {
    xs.low -= 0.5;
    xs.high += 0.5;
  }
  const auto place = [&](double x, double y) {
    return Point{left + 10 + xs.place(x) * (right - left - 20), bottom - ys.place(y) * plot_height};
  };

  for (double tick : y_ticks) {
    const float y = std::round(place(xs.low, tick).y);
    canvas.rectangle({left, y - 1}, {right, y + 1}, grid);
    canvas.text({left - 12, y + 7}, tick_label(tick, y_ticks), label_size, muted, Align::right);
  }
  for (double tick : round_ticks(xs.low, xs.high, 6))
    if (tick >= xs.low && tick <= xs.high && tick == std::round(tick))
      canvas.text({place(tick, ys.low).x, bottom + 30}, fmt::format("{:.0f}", tick), label_size, muted, Align::centre);

  for (const Curve& curve : chart.curves) {
    const Colour colour = palette[curve.colour];
    std::vector<Point> points;
    for (size_t i = 0; i <= curve.y.size(); ++i) {
      if (i < curve.y.size() && std::isfinite(curve.y[i])) {
        points.push_back(place(curve.x[i], curve.y[i]));
        continue;
      }
      canvas.polyline(points, 4, colour);  // a gap, or the end
      points.clear();
    }
    if (curve.y.size() <= 40)
      for (size_t i = 0; i < curve.y.size(); ++i)
        if (std::isfinite(curve.y[i])) canvas.disc(place(curve.x[i], curve.y[i]), 5, colour);
  }
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int most) {
  require(std::isfinite(low) && std::isfinite(high) && low <= high && most > 0, "no axis from {} to {}", low, high);
  const double size = std::max(std::abs(low), std::abs(high));
  const double least = size > 0 ? size * 1e-3 : 1;
  const double wanted = std::max(high - low, least) / most;
  const double power = std::pow(10.0, std::floor(std::log10(wanted)));
  double step = 10 * power;
  // Rounding outwards may add a step on each side, hence the check against `most`.
  for (double factor : {1.0, 2.0, 5.0})
    if (std::ceil(high / (factor * power)) - std::floor(low / (factor * power)) <= most) {
      step = factor * power;
      break;
    }
  if (std::ceil(high / step) - std::floor(low / step) > most) step *= 2;
  const double first = std::floor(low / step), last = std::max(std::ceil(high / step), first + 1);
  std::vector<double> ticks;
  for (double i = first; i <= last; ++i) ticks.push_back(i * step);
  return ticks;
}

Tensor draw_monitor(std::string_view title, const std::vector<Json>& events) {
  const std::vector<SpreadCharts> rows = spread_charts(events);
  require(!rows.empty(), "there is nothing to draw: no look of the collapse monitor");
  const float width = 2 * margin + 2 * column_width + gutter;
  const float height = header_height + row_height * static_cast<float>(rows.size()) + margin;
  Canvas canvas(static_cast<int>(width), static_cast<int>(height), paper);
  canvas.text({margin, margin + 26}, title, title_size, ink);
  canvas.text({width - margin, margin + 26}, "over epochs", label_size, muted, Align::right);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float y = header_height + row_height * static_cast<float>(i);
    Chart backbone = rows[i].backbone, projection = rows[i].projection;
    backbone.title = rows[i].title + " · backbone";
    projection.title = "projection";
    draw_chart(canvas, backbone, {margin, y});
    draw_chart(canvas, projection, {margin + column_width + gutter, y});
  }
  return canvas.pixels();
}

}  // namespace minissl
