#include "apps/run/config_table.h"

#include <algorithm>

namespace minissl {
namespace {

struct KnownGroup {
  const char* name;
  std::vector<std::string_view> keys;
};

const std::vector<KnownGroup>& known_groups() {
  static const std::vector<KnownGroup> groups = {
      {"Model", {"arch", "stem", "width", "channels", "size"}},
      {"Method",
       {"method", "dim", "hidden", "head", "queue", "momentum", "momentum-end", "temperature", "lambda", "weights",
        "variance-weight", "symmetric", "bn"}},
      {"Data", {"data", "labels", "normalization", "max-value", "max-bad-fraction", "out"}},
      {"Optimisation",
       {"epochs", "batch", "steps", "optimizer", "sgd-momentum", "trust", "lr", "weight-decay", "weight-decay-end",
        "decay-scope", "warmup-epochs", "schedule", "clip-norm", "accumulate"}},
      {"Augmentation",
       {"crop-scale", "rotate", "flip", "brightness", "contrast", "saturation", "hue", "jitter-prob", "gray-prob",
        "blur-prob", "noise", "solarize-prob"}},
      {"Memory", {"recompute", "memory-budget"}},
      {"Monitor and evaluation",
       {"monitor-every", "monitor-samples", "on-collapse", "eval-train", "eval-test", "eval-every", "eval-k",
        "eval-temperature", "eval-features"}},
      {"Checkpoints", {"checkpoint-every", "checkpoint-minutes", "keep", "resume"}},
      {"Machine", {"device", "precision", "threads", "workers", "seed"}},
      {"Other", {}}};
  return groups;
}

}  // namespace

std::vector<ConfigGroup> config_table(std::string_view toml) {
  std::vector<ConfigGroup> groups;
  for (const KnownGroup& known : known_groups()) groups.push_back({known.name, {}});
  for (const Setting& setting : read_toml(toml)) {
    size_t place = 0;
    for (const KnownGroup& known : known_groups()) {
      if (std::find(known.keys.begin(), known.keys.end(), setting.first) != known.keys.end()) break;
      ++place;
    }
    groups[std::min(place, groups.size() - 1)].settings.push_back(setting);
  }
  std::erase_if(groups, [](const ConfigGroup& group) { return group.settings.empty(); });
  return groups;
}

std::string setting(const std::vector<ConfigGroup>& groups, std::string_view key) {
  for (const ConfigGroup& group : groups)
    for (const auto& [name, value] : group.settings)
      if (name == key) return value;
  return {};
}

}  // namespace minissl
