#include "apps/presets.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace minissl {

const Preset* find_preset(const std::string& name) {
  const std::vector<Preset>& all = presets();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Preset& preset) { return preset.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string preset_names() {
  std::vector<std::string_view> names;
  for (const Preset& preset : presets()) names.push_back(preset.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace minissl
