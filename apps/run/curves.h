#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "apps/run/metrics_log.h"

namespace minissl {

/// The palette index for levels that belong to no curve. Their names are written on their lines.
inline constexpr int neutral_colour = 2;

/// A line of a chart. NaN in `y` is a gap. `low` and `high` (empty, or as long as `y`) bound a band around the line.
struct Curve {
  std::string name = {};
  std::vector<double> x = {}, y = {}, low = {}, high = {};
  int colour = 0;       ///< palette index: 0 backbone and single curves, 1 projection, 2 neutral
  int mark = 0;         ///< shape of its points, 0 to 7, so that runs differ by more than colour
  bool dashed = false;  ///< a reference level
};

/// Description of a chart, drawn by Chart.js in a page (report.h) or into an image (chart.h).
struct Chart {
  std::string id = {}, title = {}, explanation = {}, x_label = {};
  std::vector<Curve> curves = {};
  bool from_zero = false;    ///< the axis includes zero
  bool logarithmic = false;  ///< positive values over several orders of magnitude
};

/// The most points per curve; a screen has too few columns for more.
inline constexpr int64_t most_points = 1000;

/// Groups neighbouring points into at most `most` buckets of equal count: x and y are a bucket's means, low and high
/// its extremes. Values that aren't finite are skipped; a bucket without finite values is NaN. `most` points or fewer
/// stay unchanged, without a band.
Curve bucket_means(std::string name, const std::vector<double>& x, const std::vector<double>& y,
                   int64_t most = most_points);

/// Charts of the step events.
struct TrainingCharts {
  std::vector<Chart> losses;     ///< the loss, then each of its terms
  std::vector<Chart> pace;       ///< learning rate and images per second, if logged
  int64_t steps_each_point = 1;  ///< steps in a bucket of the curves
  int64_t losses_not_finite = 0;
  int64_t first_not_finite = 0;  ///< the first such step
};
TrainingCharts training_charts(const std::vector<Json>& events);

/// k-nearest-neighbour accuracy over the epochs with its baselines; no curves without evaluations.
Chart accuracy_chart(const std::vector<Json>& events);

/// Memory over the operations of a step, from a memory event with a time line; no curves without one.
Chart memory_chart(const Json& event);

/// One collapse metric over the epochs, for both spaces. The explanation says what to look for.
struct SpreadCharts {
  std::string title, explanation;
  Chart backbone, projection;  ///< no curves if never measured
};
/// All collapse metrics that were measured, the most informative first.
std::vector<SpreadCharts> spread_charts(const std::vector<Json>& events);

/// Whether the values are positive and range so widely that a linear axis would hide the small ones.
bool spans_magnitudes(const Chart& chart);
/// The last finite value of a chart's first curve; NaN if there is none.
double last_value(const Chart& chart);
/// The chart in a sentence, for screen readers.
std::string description(const Chart& chart);
/// "0.0123", "5.12", "1,234", "1.0e-05": three significant digits; "–" for NaN.
std::string format_number(double value);
/// "12.3%" for 0.123; "–" for NaN.
std::string format_percent(double fraction);
/// "12%" for 0.123, "less than 1%".
std::string format_share(double fraction);

}  // namespace minissl
