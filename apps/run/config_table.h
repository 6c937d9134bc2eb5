#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace minissl {

/// Settings that belong together, in order: ("batch", "256").
struct ConfigGroup {
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings;
};

/// The settings of a run's config.toml (`key = value` lines, sections, comments), sorted into what a reader looks for:
/// model, data, optimisation, augmentation and so on. Keys that no group knows come under "Other".
std::vector<ConfigGroup> config_table(std::string_view toml);

/// A setting's value; empty when there is none of that name.
std::string setting(const std::vector<ConfigGroup>& groups, std::string_view key);

}  // namespace minissl
