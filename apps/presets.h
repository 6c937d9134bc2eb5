#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace minissl {

/// A file of configs/, built into the program.
struct Preset {
  std::string_view name;  ///< its path with '-' for '/' and '_': "cifar10-moco", "ten-epochs-cxr-simclr"
  std::string_view toml;
};
/// All of them, in the order of their names.
const std::vector<Preset>& presets();

/// Null if there is none of this name.
const Preset* find_preset(const std::string& name);
/// "cifar10-barlow, cifar10-byol, ..."
std::string preset_names();

}  // namespace minissl
