#include "apps/run/run_table.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

#include "apps/run/curves.h"
#include "apps/run/knn_story.h"

namespace minissl {
namespace {

constexpr std::array columns{"run",       "epochs",    "loss, first epoch", "loss, last epoch",
                             "kNN top-1", "untrained", "raw pixels",        "eff_rank"};
using Row = std::array<std::string, columns.size()>;

Row row_of(const NamedRun& run) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  double first_loss = nan, last_loss = nan, rank = nan;
  double epochs = 0;
  for (const Json& event : run.events) {
    if (is_event(event, "epoch")) {
      last_loss = number(event, "loss");
      if (epochs == 0) first_loss = last_loss;
      epochs = epochs_done(event);
    }
    if (is_event(event, "monitor")) rank = collapse_metrics_of(event, "backbone").eff_rank;
  }
  const KnnStory knn = knn_story(run.events);
  return {run.name,
          format_number(epochs),
          format_number(first_loss),
          format_number(last_loss),
          format_percent(knn.measured() ? knn.scores.back().top1 : nan),
          format_percent(knn.untrained.top1),
          format_percent(knn.pixels.top1),
          format_number(rank)};
}

size_t characters(const std::string& utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string run_table(const std::vector<NamedRun>& runs) {
  std::vector<Row> rows(1);
  std::copy(columns.begin(), columns.end(), rows[0].begin());
  for (const NamedRun& run : runs) rows.push_back(row_of(run));

  std::array<size_t, columns.size()> widths{};
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters(row[i]));

  std::string table;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < columns.size(); ++i)
      table +=
          i == 0 ? fmt::format("| {:<{}} |", rows[r][i], widths[i]) : fmt::format(" {:>{}} |", rows[r][i], widths[i]);
    table += '\n';
    if (r > 0) continue;
    for (size_t i = 0; i < columns.size(); ++i)
      table += i == 0 ? fmt::format("|{:-<{}}|", "", widths[i] + 2) : fmt::format("{:-<{}}:|", "", widths[i] + 1);
    table += '\n';
  }
  return table;
}

}  // namespace minissl
