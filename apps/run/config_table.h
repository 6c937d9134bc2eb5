#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace minissl {

/// A group of related settings, in order: ("batch", "256").
struct ConfigGroup {
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings;
};

/// The settings of a run's config.toml (`key = value` lines, sections, comments), sorted by topic: model, data,
/// optimisation, augmentation and so on. Keys that belong to no group are in "Other".
std::vector<ConfigGroup> config_table(std::string_view toml);

/// A setting's value; empty if there is no setting of that name.
std::string setting(const std::vector<ConfigGroup>& groups, std::string_view key);

}  // namespace minissl
