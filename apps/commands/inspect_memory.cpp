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
  // What a GPU would compute can be planned anywhere, and bf16 is made for one.
  CommonFlags here = common;
  const bool cuda = common.device.starts_with("cuda") || (common.device == "auto" && common.precision == "bf16");
  if (cuda) here.device = "cpu";
  const DeviceScope cpu = here.apply();
  StepDescription step = describe_step(method, network, optimizer, batch, here.dtype());
  if (cuda) step.device = {DeviceType::cuda, 0};
  const MemoryPlan plan = memory.plan(step);
  if (common.json) {
    fmt::print("{}\n", to_json(plan).dump());
    return;
  }
  fmt::print("{} {} at {}, batch {}, {}{}, {}: ", method.method(), network.arch, network.size, batch, common.precision,
             cuda ? " on a GPU" : "", memory.str());
  fmt::print("{}", memory_table(plan));
}

}  // namespace

void add_inspect_memory(CLI::App& inspect) {
  CLI::App* command = inspect.add_subcommand("memory", "What a training step needs of memory, without running it");
  for_each_method(*command, [](CLI::App& sub, const std::string& name) {
    auto flags = std::make_shared<InspectMemory>();
    flags->method = MethodFlags(name);
    add_flag(sub, "batch", flags->batch, "images in a step")->check(CLI::Range(2, 1 << 20));
    add_flag(sub, "optimizer", flags->optimizer.kind, "adamw, sgd or lars");
    sub.add_flag("--json", flags->common.json, "print one JSON object and nothing else");
    flags->network.add_to(sub);
    flags->method.add_to(sub);
    flags->memory.add_to(sub);
    flags->common.add_to(sub);
    sub.callback([flags] { flags->run(); });
  });
}

}  // namespace minissl
