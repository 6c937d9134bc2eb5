#include <nlohmann/json.hpp>

#include "apps/memory_flags.h"
#include "apps/memory_report.h"

namespace minissl {
namespace {

struct InspectMemory {
  CommonFlags common;
  NetworkFlags network;
  MethodFlags method;
  MemoryFlags memory;
  OptimizerOptions optimizer;
  int64_t batch = 256;

  void run() const;
};

void InspectMemory::run() const {
  CommonFlags here = common;
  const Device planned = here.take_planned_device();
  const DeviceScope cpu = here.apply();
  StepDescription step = describe_step(method, network, optimizer, batch, here.dtype());
  step.device = planned;
  const MemoryPlan plan = memory.plan(step);
  if (common.json) {
    fmt::print("{}\n", to_json(plan).dump());
    return;
  }
  fmt::print("{} {} at {}, batch {}, {}{}, {}: ", method.method(), network.arch, network.size, batch, common.precision,
             planned == Device{} ? "" : " on a GPU", memory.str());
  fmt::print("{}", memory_table(plan));
}

}  // namespace

void add_inspect_memory(CLI::App& inspect) {
  const std::string help = "What a training step needs of memory, without running it";
  add_command_of_each_method(inspect, "memory", help, [](CLI::App& command, const std::string& name) {
    auto flags = std::make_shared<InspectMemory>();
    flags->method = MethodFlags(name);
    add_flag(command, "batch", flags->batch, "images in a step", {.least = 2, .most = 1 << 20});
    add_flag(command, "optimizer", flags->optimizer.kind, "adamw, sgd or lars");
    add_json(command, flags->common.json);
    flags->network.add_to(command);
    flags->method.add_to(command);
    flags->memory.add_to(command);
    flags->common.add_to(command);
    set_action(command, [flags] { flags->run(); });
  });
}

}  // namespace minissl
