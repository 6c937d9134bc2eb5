#pragma once
#include <functional>
#include <string>

#include "apps/method_flags.h"
#include "ssl/step/memory_plan.h"

namespace minissl {

/// "22GiB", "512MB", "1.5GiB" or plain bytes. Throws Error for anything else.
int64_t parse_bytes(const std::string& text);

/// What a new process could take of this machine's memory: the least of what is free, of the limit of the control
/// group, and of that on the address space; on a GPU, what is free there.
int64_t available_memory(Device device = {});

/// How much memory a step may take.
struct MemoryFlags {
  std::string recompute = "none", budget;

  void add_to(CLI::App& command);
  /// The plan that the flags ask for. Throws Error when the method can't take the batch, and, saying what would fit,
  /// when no plan fits the budget.
  MemoryPlan plan(const StepDescription& step, PlanCostSource source = PlanCostSource::counted) const;
  /// "--recompute auto --memory-budget 22.0 GiB"
  std::string str() const;
};

/// A training step as the flags say.
StepDescription describe_step(const MethodFlags& method, const NetworkFlags& network, const OptimizerOptions& optimizer,
                              int64_t batch, DType dtype);

/// The flags of commands that plan a step and don't run it.
struct PlanFlags {
  CommonFlags common;
  NetworkFlags network;
  MethodFlags method;
  MemoryFlags memory;
  OptimizerOptions optimizer;
  int64_t batch = 256;

  /// All but the optimizer's.
  void add_to(CLI::App& command);
  /// On a device that need not be there: --device cuda, or auto with bf16, which is made for GPUs, means one.
  StepDescription step() const;
};

/// f(), which does `step`; where memory runs out in it, Error with what would have fitted.
void with_memory_advice(const StepDescription& step, const std::function<void()>& f);

}  // namespace minissl
