#include "apps/graph_picture.h"
#include "apps/memory_flags.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

struct InspectGraph {
  CommonFlags common;
  NetworkFlags network;
  MethodFlags method;
  MemoryFlags memory;
  int64_t batch = 256;
  std::string out;

  void run() const;
};

void InspectGraph::run() const {
  const bool svg = out.ends_with(".svg");
  require(svg || out.ends_with(".dot"), "--out {}: the graph is written as .svg, or for Graphviz as .dot", out);
  CommonFlags here = common;
  const Device planned = here.take_planned_device();
  const DeviceScope cpu = here.apply();
  StepDescription step = describe_step(method, network, {}, batch, here.dtype());
  step.device = planned;
  const std::vector<StepOperation> operations = graph_of_step(step, memory.plan(step).recompute);
  int64_t kept = 0;
  for (const StepOperation& operation : operations) kept += operation.kept;
  const std::string title =
      fmt::format("{} {} at {}, batch {}, {}, {}: {} operations keep {} for backward", method.method(), network.arch,
                  network.size, batch, common.precision, memory.str(), operations.size(), format_bytes(kept));
  write_file(out, svg ? graph_svg(title, operations) : graph_dot(title, operations));
  fmt::print("{}\n{}\n", title, out);
}

}  // namespace

void add_inspect_graph(CLI::App& inspect) {
  const std::string help = "Draw the autograd graph of a step: operations, shapes, bytes kept for backward";
  add_command_of_each_method(inspect, "graph", help, [](CLI::App& command, const std::string& name) {
    auto flags = std::make_shared<InspectGraph>();
    flags->method = MethodFlags(name);
    add_flag(command, "out", flags->out, "the picture: .svg, or .dot for Graphviz", {.required = true});
    add_flag(command, "batch", flags->batch, "images in a step", {.least = 2, .most = 1 << 20});
    flags->network.add_to(command);
    flags->method.add_to(command);
    flags->memory.add_to(command);
    flags->common.add_to(command);
    set_action(command, [flags] { flags->run(); });
  });
}

}  // namespace minissl
