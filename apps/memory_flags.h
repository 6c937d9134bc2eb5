#pragma once
#include <functional>
#include <string>

#include "apps/available_memory.h"
#include "apps/method_flags.h"
#include "ssl/step/memory_plan.h"

namespace minissl {

/// "22GiB", "512MB", "1.5GiB" or plain bytes. Throws Error for anything else.
int64_t parse_bytes(const std::string& text);

/// The memory limit of a step.
struct MemoryFlags {
  std::string recompute = "none", budget;

  void add_to(CLI::App& command);
  /// The plan that the flags select. Throws Error if the method can't process the batch, or if no plan fits the budget;
  /// the latter message says what would fit.
  MemoryPlan plan(const StepDescription& step, PlanCostSource source = PlanCostSource::counted) const;
  /// "--recompute auto --memory-budget 22.0 GiB"
  std::string str() const;
};

/// Describes the training step that the flags define.
StepDescription describe_step(const MethodFlags& method, const NetworkFlags& network, const OptimizerOptions& optimizer,
                              int64_t batch, DType dtype);

/// The flags of commands that plan a step without running it.
struct PlanFlags {
  CommonFlags common;
  NetworkFlags network;
  MethodFlags method;
  MemoryFlags memory;
  OptimizerOptions optimizer;
  int64_t batch = 256;

  /// Adds all flags but the optimizer's.
  void add_to(CLI::App& command);
  /// The device need not be present: --device cuda, or auto with bf16, which is intended for GPUs, means a GPU.
  StepDescription step() const;
};

/// Calls f(), which runs `step`. If memory runs out, throws Error saying what would have fitted.
void with_memory_advice(const StepDescription& step, const std::function<void()>& f);

}  // namespace minissl
