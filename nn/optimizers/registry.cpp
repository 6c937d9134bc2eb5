#include "nn/optimizers/registry.h"

#include <algorithm>
#include <utility>

namespace minissl {

OptimizerFactory make_adamw, make_sgd, make_lars, make_lion;

const std::vector<OptimizerEntry>& optimizers() {
  static const std::vector<OptimizerEntry> all{
      {"adamw", make_adamw}, {"sgd", make_sgd}, {"lars", make_lars}, {"lion", make_lion}};
  return all;
}

std::vector<std::string> optimizer_kinds() {
  std::vector<std::string> kinds;
  for (const OptimizerEntry& entry : optimizers()) kinds.emplace_back(entry.kind);
  return kinds;
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, ParameterArena& arena,
                                          ParameterRules rules) {
  check_choice("optimizer", options.kind, optimizer_kinds());
  const auto& all = optimizers();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.kind == options.kind; });
  return found->make(options, arena, std::move(rules));
}

}  // namespace minissl
