#pragma once
#include <map>
#include <string>
#include <vector>

/// Which settings of a run may change when it goes on from a checkpoint.
namespace minissl {

/// Settings by name, as in config.toml.
using Settings = std::map<std::string, std::string>;
Settings settings_of(const std::string& toml);

/// The lines of a config.toml on which a run's figures depend: those that a checkpoint keeps.
std::string settings_of_figures(const std::string& toml);

/// A setting with another value than before, and what follows from that.
struct ChangedSetting {
  std::string name, before, now;
  std::string effect;            ///< empty: it must not change
  bool changes_figures = false;  ///< whether the log after the change differs from that of a run without it
};
/// Compares two runs' settings by value ("0.10" equals "1e-1"). A setting that only one of them has is no change.
std::vector<ChangedSetting> changed_settings(const Settings& before, const Settings& now);

/// Throws Error, naming `run` and the settings, if some that must not change have.
void require_same_run(const std::string& run, const std::vector<ChangedSetting>& changes);

}  // namespace minissl
