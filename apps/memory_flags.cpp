#include "apps/memory_flags.h"

#include <new>

namespace minissl {
namespace {

RecomputePlan fixed_plan(const std::string& name) {
  using Policy = RecomputePlan::Policy;
  if (name == "none") return RecomputePlan(Policy::none);
  if (name == "stage") return RecomputePlan(Policy::stage);
  if (name == "block") return RecomputePlan(Policy::block);
  fail("`recompute` {} is not a fixed plan; there are none, stage and block", name);
}

void check_budget(const std::string& budget) {
  if (!budget.empty() && budget != "auto") parse_bytes(budget);
}

// Throws Error if the method can't process its batch.
void check_batch(const StepDescription& step) {
  const DryRun dry_run;
  step.make(step.dtype)->check_data(step.images[0], step.images[0]);
}

}  // namespace

int64_t parse_bytes(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  double factor = 0;
  const std::pair<const char*, double> units[] = {{"", 1},         {"B", 1},        {"KiB", 0x1p10}, {"MiB", 0x1p20},
                                                  {"GiB", 0x1p30}, {"TiB", 0x1p40}, {"KB", 1e3},     {"MB", 1e6},
                                                  {"GB", 1e9},     {"TB", 1e12}};
  for (const auto& [name, bytes] : units)
    if (unit == name) factor = bytes;
  require(end != text.c_str() && factor > 0 && value > 0 && value * factor < 0x1p62,
          "`memory-budget` \"{}\" is no amount of memory; say 22GiB, 512MB or bytes", text);
  return static_cast<int64_t>(value * factor);
}

void MemoryFlags::add_to(CLI::App& command) {
  begin_group(command, "Memory");
  add_flag(command, "recompute", recompute, "what backward recomputes instead of keeping; auto: as the budget requires",
           {.one_of = {"none", "stage", "block", "auto"}});
  add_flag(command, "memory-budget", budget,
           "memory limit for tensors, such as 22GiB, or auto (nine tenths of free memory); implies --recompute auto",
           {.check = check_budget});
  begin_group(command);
}

std::string MemoryFlags::str() const {
  if (budget.empty() && recompute != "auto") return "--recompute " + recompute;
  return "--memory-budget " + (budget.empty() ? "auto" : budget);
}

MemoryPlan MemoryFlags::plan(const StepDescription& step, PlanCostSource source) const {
  require(
      budget.empty() || recompute == "none" || recompute == "auto",
      "--recompute {} and --memory-budget contradict each other: the budget decides what is recomputed; leave one out",
      recompute);
  check_batch(step);
  if (budget.empty() && recompute != "auto") return describe_plan(step, fixed_plan(recompute));
  const bool automatic = budget.empty() || budget == "auto";
  const int64_t bytes = automatic ? available_memory(step.device) / 10 * 9 : parse_bytes(budget);
  if (std::optional<MemoryPlan> found = plan_memory(step, bytes, source)) return *found;
  const DryRun dry_run;
  const std::unique_ptr<Method> method = step.make(step.dtype);
  const int64_t batch = largest_batch(step, bytes, [&](int64_t b) {
    try {
      method->check_data(b, b);
    } catch (const Error&) {
      return false;
    }
    return true;
  });
  fail("{}{}: batch {} needs {} at the least; {}", str(), automatic ? " (" + format_bytes(bytes) + ")" : "",
       step.images[0], format_bytes(smallest_plan(step).needed()),
       batch > 0 ? fmt::format("the largest batch that fits is {}", batch) : "no batch fits");
}

StepDescription describe_step(const MethodFlags& method, const NetworkFlags& network, const OptimizerOptions& optimizer,
                              int64_t batch, DType dtype) {
  return {.make = [method, network](DType type) { return method.make(network, 0, type); },
          .optimizer = optimizer,
          .images = {batch, network.size, network.size, network.channels},
          .dtype = master_type(dtype),
          .activations = dtype};
}

void PlanFlags::add_to(CLI::App& command) {
  add_flag(command, "batch", batch, "images per step", {.range = {2, 1 << 20}});
  network.add_to(command);
  method.add_to(command);
  memory.add_to(command);
  common.add_to(command);
}

StepDescription PlanFlags::step() const {
  const bool gpu = common.device.starts_with("cuda") || (common.device == "auto" && common.precision == "bf16");
  CommonFlags here = common;
  if (gpu) here.device = "cpu";
  const DeviceScope device = here.apply();
  StepDescription step = describe_step(method, network, optimizer, batch, here.dtype());
  if (gpu) step.device = {DeviceType::cuda, 0};
  return step;
}

void with_memory_advice(const StepDescription& step, const std::function<void()>& f) {
  std::string what;
  int64_t available = 0;
  try {
    return f();
  } catch (const OutOfMemory& e) {
    what = e.what();
    available = e.available();
  } catch (const std::bad_alloc&) {  // tensors left no memory for the rest of the program
    available = allocator(step.device).usage().reserved;
    what = fmt::format("out of memory beside {} for tensors", format_bytes(available));
  }
  // Planning needs some memory itself.
  allocator(step.device).release_cached();
  if (const std::optional<MemoryPlan> plan = plan_memory(step, available))
    fail("{}; --memory-budget {} would fit, at {:.1f}% more arithmetic", what, available, plan->extra_flops_percent);
  fail("{}; no plan fits: {} is the least that batch {} needs; use a smaller batch or image size", what,
       format_bytes(smallest_plan(step).needed()), step.images[0]);
}

}  // namespace minissl
