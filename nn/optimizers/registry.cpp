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

std::string optimizer_kinds(const char* conjunction) {
  std::string list;
  for (const OptimizerEntry& entry : optimizers()) {
    const bool last = &entry == &optimizers().back();
    if (!list.empty()) list += last ? fmt::format(" {} ", conjunction) : ", ";
    list += entry.kind;
  }
  return list;
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, ParameterArena& arena,
                                          ParameterRules rules) {
  const auto& all = optimizers();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.kind == options.kind; });
  require(found != all.end(), "optimizer {} is not known; there are {}", options.kind, optimizer_kinds("and"));
  return found->make(options, arena, std::move(rules));
}

}  // namespace minissl
