#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/toml.h"

namespace minissl {

/// A group of related settings, in order: ("batch", "256").
struct ConfigGroup {
  std::string name;
  std::vector<Setting> settings;
};

/// The settings of a run's config.toml, sorted by topic: model, data, optimisation, augmentation and so on. Keys that
/// belong to no group are in "Other". Throws Error like read_toml().
std::vector<ConfigGroup> config_table(std::string_view toml);

/// A setting's value; empty if there is no setting of that name.
std::string setting(const std::vector<ConfigGroup>& groups, std::string_view key);

}  // namespace minissl
