#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "apps/run/config_table.h"
#include "apps/run/metrics_log.h"

namespace minissl {

/// The content of a report. Every part may be empty.
struct ReportInput {
  std::string title = {};                ///< empty: derived from the method and the architecture
  std::vector<ConfigGroup> config = {};  ///< config_table()
  std::vector<Json> events = {};         ///< read_metrics()
  std::string views_png = {};            ///< a contact sheet of augmented views: tile() and encode_png()
  std::string reconstruction_png = {};   ///< another of images, masked and painted
  std::vector<std::string> notes = {};   ///< sentences for the reader
};

/// A self-contained HTML page: no network, no other file. It has no date or machine name, so that the same input gives
/// the same bytes. Step curves show at most 1,000 bucket means, and the page says so.
std::string render_report(const ReportInput& input);

/// The same page with only the collapse metrics, for `minissl monitor --out chart.html`.
std::string render_monitor_html(const std::string& title, const std::vector<Json>& events);

/// Reads config.toml, metrics.jsonl and views.png from a run folder, each if present.
/// Throws Error if neither of the first two exists.
ReportInput read_run_folder(const std::filesystem::path& folder);

/// Writes report.html into a run's folder from the folder's files; the page appears whole or not at all.
void write_report(const std::filesystem::path& folder);

}  // namespace minissl
