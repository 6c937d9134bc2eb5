#include "apps/run/named_run.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <set>

#include "apps/run/report.h"
#include "tensor/error.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

/// The path's last `parts` parts.
std::string tail(const fs::path& path, size_t parts) {
  const std::vector<fs::path> all(path.begin(), path.end());
  fs::path last;
  for (size_t i = all.size() - std::min(parts, all.size()); i < all.size(); ++i) last /= all[i];
  return last.string();
}

std::optional<double> as_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0) return std::nullopt;
  return value;
}

}  // namespace

std::vector<std::string> run_names(const std::vector<fs::path>& folders) {
  std::vector<fs::path> paths;
  size_t longest = 0;
  for (const fs::path& folder : folders) {
    fs::path path = fs::absolute(folder).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "runs/moco/"
    require(std::find(paths.begin(), paths.end(), path) == paths.end(), "{}: given twice", folder.string());
    longest = std::max(longest, static_cast<size_t>(std::distance(path.begin(), path.end())));
    paths.push_back(path);
  }
  std::vector<std::string> names;
  for (size_t parts = 1; parts <= longest; ++parts) {
    names.clear();
    for (const fs::path& path : paths) names.push_back(tail(path, parts));
    if (std::set<std::string>(names.begin(), names.end()).size() == names.size()) break;
  }
  return names;
}

std::vector<NamedRun> read_runs(const std::vector<fs::path>& folders) {
  const std::vector<std::string> names = run_names(folders);
  std::vector<NamedRun> runs;
  for (size_t i = 0; i < folders.size(); ++i) {
    ReportInput input = read_run_folder(folders[i]);
    runs.push_back({names[i], std::move(input.config), std::move(input.events)});
  }
  return runs;
}

std::vector<SettingDifference> differing_settings(const std::vector<NamedRun>& runs) {
  std::vector<SettingDifference> differences;
  std::set<std::string> seen = {"out"};
  for (const NamedRun& run : runs)
    for (const ConfigGroup& group : run.config)
      for (const auto& [key, value] : group.settings) {
        if (!seen.insert(key).second) continue;
        SettingDifference difference{key, {}};
        for (const NamedRun& other : runs) difference.values.push_back(setting(other.config, key));
        const auto differs = [&](const std::string& v) { return !same_setting(v, difference.values.front()); };
        if (std::any_of(difference.values.begin(), difference.values.end(), differs))
          differences.push_back(std::move(difference));
      }
  return differences;
}

bool same_setting(const std::string& a, const std::string& b) {
  const std::optional<double> x = as_number(a), y = as_number(b);
  return x && y ? *x == *y : a == b;
}

bool setting_precedes(const std::string& a, const std::string& b) {
  const std::optional<double> x = as_number(a), y = as_number(b);
  return x && y ? *x < *y : a < b;
}

bool affects_figures(std::string_view key) {
  constexpr std::array without_effect{
      "out",  "threads",          "workers",    "device",        "recompute",         "memory-budget",
      "keep", "checkpoint-every", "eval-every", "monitor-every", "checkpoint-minutes"};
  return std::find(without_effect.begin(), without_effect.end(), key) == without_effect.end();
}

}  // namespace minissl
