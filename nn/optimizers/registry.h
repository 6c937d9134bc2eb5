#pragma once
#include <vector>

#include "nn/optimizer.h"

/// The kinds of optimizers. A new one is a file next to this one, with its operation in tensor/ops/ and a line in
/// registry.cpp.
namespace minissl {

using OptimizerFactory = std::unique_ptr<Optimizer>(const OptimizerOptions&, ParameterArena&, ParameterRules);

struct OptimizerEntry {
  const char* kind;
  OptimizerFactory* make;
};

const std::vector<OptimizerEntry>& optimizers();
std::vector<std::string> optimizer_kinds();

}  // namespace minissl
