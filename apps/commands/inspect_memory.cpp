#include <nlohmann/json.hpp>

#include "apps/memory_flags.h"
#include "apps/memory_report.h"
#include "apps/option_flags.h"
#include "apps/run/json_text.h"

namespace minissl {
namespace {

struct InspectMemory : PlanFlags {
  void run() const;
};

void InspectMemory::run() const {
  const StepDescription described = step();
  const MemoryPlan plan = memory.plan(described);
  if (common.json) {
    fmt::print("{}\n", json_text(to_json(plan)));
    return;
  }
  fmt::print("{} {} at {}, batch {}, {}{}, {}: ", method.method(), network.arch, network.size, batch, common.precision,
             described.device == Device{} ? "" : " on a GPU", memory.str());
  fmt::print("{}", memory_table(plan));
}

}  // namespace

void add_inspect_memory(CLI::App& inspect) {
  const std::string help = "Predict the memory of a training step without running it";
  add_command_of_each_method(inspect, "memory", help, [](CLI::App& command, const std::string& name) {
    auto flags = std::make_shared<InspectMemory>();
    flags->method = MethodFlags(name);
    add_option_flags(command, [&o = flags->optimizer](OptionVisitor& visitor) { o.visit_kind(visitor); });
    add_json(command, flags->common.json);
    flags->add_to(command);
    set_action(command, [flags] { flags->run(); });
  });
}

}  // namespace minissl
