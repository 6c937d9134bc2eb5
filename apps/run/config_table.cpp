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

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const size_t begin = text.find_first_not_of(blank);
  return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

/// A TOML value without its quotes and trailing comment.
std::string plain_value(std::string_view value) {
  if (value.starts_with('\'')) {
    const size_t close = value.find('\'', 1);
    return std::string(value.substr(1, close == value.npos ? value.npos : close - 1));
  }
  if (!value.starts_with('"')) return std::string(trimmed(value.substr(0, value.find(" #"))));
  std::string plain;
  for (size_t i = 1; i < value.size() && value[i] != '"'; ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    plain += value[i];
  }
  return plain;
}

}  // namespace

std::vector<ConfigGroup> config_table(std::string_view toml) {
  std::vector<ConfigGroup> groups;
  for (const KnownGroup& known : known_groups()) groups.push_back({known.name, {}});
  for (size_t begin = 0; begin < toml.size();) {
    const size_t end = std::min(toml.find('\n', begin), toml.size());
    const std::string_view line = trimmed(toml.substr(begin, end - begin));
    begin = end + 1;
    const size_t equals = line.find('=');
    if (line.empty() || line[0] == '#' || line[0] == '[' || equals == line.npos) continue;
    std::string_view key = trimmed(line.substr(0, equals));
    if (const size_t dot = key.rfind('.'); dot != key.npos) key = key.substr(dot + 1);
    size_t place = 0;
    for (const KnownGroup& known : known_groups()) {
      if (std::find(known.keys.begin(), known.keys.end(), key) != known.keys.end()) break;
      ++place;
    }
    groups[std::min(place, groups.size() - 1)].settings.emplace_back(key,
                                                                     plain_value(trimmed(line.substr(equals + 1))));
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
