#include "apps/run_settings.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>

#include "apps/run/named_run.h"
#include "apps/run/toml.h"
#include "tensor/error.h"

namespace minissl {
namespace {

struct Effect {
  std::string_view text;
  bool changes_figures;
  std::vector<std::string_view> settings;
};

// What may change. Every other setting belongs to the run: with another value its state would mean something else, or
// its steps would be counted in other batches.
const std::vector<Effect>& effects() {
  static const std::vector<Effect> all = {
      {"the schedules of learning rate and weight decay are those of the new value from this step on",
       true,
       {"epochs", "warmup-epochs", "schedule"}},
      {"from this step on",
       true,
       {"lr", "weight-decay", "weight-decay-end", "clip-norm", "on-collapse", "monitor-every", "eval-every",
        "max-bad-fraction"}},
      {"looks before and after this step are of different images", true, {"monitor-samples"}},
      {"scores before and after this step do not compare",
       true,
       {"eval-train", "eval-test", "eval-classes", "eval-k", "eval-temperature", "eval-features"}},
      {"last digits of the figures may differ from here on", true, {"threads", "device", "tf32", "exact-convolutions"}},
      {"the run ends there", false, {"steps"}},
      {"the figures stay the same",
       false,
       {"workers", "recompute", "memory-budget", "cuda-graph", "checkpoint-every", "checkpoint-minutes", "keep"}},
      {"the run keeps the one in its checkpoint", false, {"tokenizer"}},
      // The images are compared by themselves, and may have moved.
      {"its images have the same names as before", false, {"data", "labels", "uncertain"}}};
  return all;
}

// Null if the setting must not change.
const Effect* effect_of(std::string_view setting) {
  for (const Effect& effect : effects())
    if (std::find(effect.settings.begin(), effect.settings.end(), setting) != effect.settings.end()) return &effect;
  return nullptr;
}

std::vector<std::string> parts_of(const std::string& value) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find(',', begin), value.size());
    parts.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool same_value(const std::string& a, const std::string& b) {
  const std::vector<std::string> x = parts_of(a), y = parts_of(b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_setting);
}

}  // namespace

Settings settings_of(const std::string& toml) {
  const std::vector<Setting> settings = read_toml(toml);
  return {settings.begin(), settings.end()};
}

std::string settings_of_figures(const std::string& toml) {
  std::string kept;
  for (const auto& [name, value] : read_toml(toml)) {
    const Effect* effect = effect_of(name);
    if (effect == nullptr || effect->changes_figures) kept += toml_line(name, value);
  }
  return kept;
}

std::vector<ChangedSetting> changed_settings(const Settings& before, const Settings& now) {
  std::vector<ChangedSetting> changes;
  for (const auto& [name, value] : now) {
    const auto old = before.find(name);
    if (old == before.end() || same_value(old->second, value)) continue;
    const Effect* effect = effect_of(name);
    changes.push_back({name, old->second, value, effect ? std::string(effect->text) : "",
                       effect != nullptr && effect->changes_figures});
  }
  return changes;
}

void require_same_run(const std::string& run, const std::vector<ChangedSetting>& changes) {
  std::vector<std::string> refused;
  for (const ChangedSetting& change : changes)
    if (change.effect.empty())
      refused.push_back(fmt::format("{} is {} now, and was {}", change.name, change.now, change.before));
  require(refused.empty(),
          "{}: {}; a run can't go on with other values of these: keep those of its config.toml, or begin another run",
          run, fmt::join(refused, ", "));
}

}  // namespace minissl
