#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "apps/run/config_table.h"
#include "apps/run/metrics_log.h"

namespace minissl {

/// What a report shows. Every part may be empty.
struct ReportInput {
  std::string title = {};                ///< empty: made of the method and the architecture
  std::vector<ConfigGroup> config = {};  ///< config_table()
  std::vector<Json> events = {};         ///< read_metrics()
  std::string views_png = {};            ///< a contact sheet of augmented views: tile() and encode_png()
  std::vector<std::string> notes = {};   ///< sentences for the reader
};

/// One HTML page that needs nothing beside it: no network, no other file. It says nothing of the date or the machine,
/// so that the same input gives the same bytes. Of the step curves it draws 1,000 bucket means at most and says so.
std::string render_report(const ReportInput& input);

/// The same page with the collapse metrics alone, for `minissl monitor --out chart.html`.
std::string render_monitor_html(const std::string& title, const std::vector<Json>& events);

/// What a run folder says of itself: config.toml, metrics.jsonl and views.png, each if it is there.
/// Throws Error when there is neither of the first two.
ReportInput read_run_folder(const std::filesystem::path& folder);

/// Writes report.html into the run's folder, from what lies there; whole or not at all.
void write_report(const std::filesystem::path& folder);

}  // namespace minissl
