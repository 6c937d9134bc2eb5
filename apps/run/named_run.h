#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/config_table.h"
#include "apps/run/metrics_log.h"

namespace minissl {

/// A run in a comparison.
struct NamedRun {
  std::string name = {};
  std::vector<ConfigGroup> config = {};  ///< config_table()
  std::vector<Json> events = {};         ///< read_metrics()
};

/// Names for run folders: the last parts of their paths, as few as make them unique ("moco", or "a/moco" and "b/moco").
/// Throws Error if a folder is given twice.
std::vector<std::string> run_names(const std::vector<std::filesystem::path>& folders);

/// The runs in these folders (read_run_folder), in order.
std::vector<NamedRun> read_runs(const std::vector<std::filesystem::path>& folders);

/// A setting in which runs differ.
struct SettingDifference {
  std::string key;
  std::vector<std::string> values;  ///< for each run; empty if it lacks the setting
};

/// The settings that differ between runs, in the order of the configuration, except for the output folder.
std::vector<SettingDifference> differing_settings(const std::vector<NamedRun>& runs);

/// Whether two values of a setting are equal, such as 1e-4 and 0.0001.
bool same_setting(const std::string& a, const std::string& b);
/// Orders numbers by size and words alphabetically: "off" before "on", "plain" before "split:8".
bool setting_precedes(const std::string& a, const std::string& b);

/// Whether a setting can change the learned weights or the measurements; the number of threads, for example, can't.
bool affects_figures(std::string_view key);

}  // namespace minissl
