#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/config_table.h"
#include "apps/run/metrics_log.h"

namespace minissl {

/// A run among others.
struct NamedRun {
  std::string name = {};
  std::vector<ConfigGroup> config = {};  ///< config_table()
  std::vector<Json> events = {};         ///< read_metrics()
};

/// Names for run folders: the last parts of their paths, as few as tell all of them apart ("moco", or "a/moco" and
/// "b/moco"). Throws Error when the same folder is there twice.
std::vector<std::string> run_names(const std::vector<std::filesystem::path>& folders);

/// The runs in these folders (read_run_folder), in order.
std::vector<NamedRun> read_runs(const std::vector<std::filesystem::path>& folders);

/// A setting in which runs differ.
struct SettingDifference {
  std::string key;
  std::vector<std::string> values;  ///< of each run; empty where it has no such setting
};

/// The settings that aren't the same in all runs, in the order of the configuration; where the run was written to
/// aside.
std::vector<SettingDifference> differing_settings(const std::vector<NamedRun>& runs);

/// Whether two values of a setting are the same: 1e-4 and 0.0001 are.
bool same_setting(const std::string& a, const std::string& b);
/// Numbers by size, words by the alphabet: "off" before "on", "plain" before "split:8".
bool setting_precedes(const std::string& a, const std::string& b);

/// Whether a setting can change what is learned or measured: the number of threads, say, can't.
bool affects_figures(std::string_view key);

}  // namespace minissl
