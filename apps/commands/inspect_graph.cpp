#include "apps/graph_picture.h"
#include "apps/memory_flags.h"
#include "apps/output_check.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

struct InspectGraph : PlanFlags {
  std::string out;

  void run() const;
};

void InspectGraph::run() const {
  const bool svg = out.ends_with(".svg");
  require(svg || out.ends_with(".dot"), "--out {}: the graph is written as .svg, or for Graphviz as .dot", out);
  require_writable_file(out);
  const StepDescription described = step();
  const std::vector<StepOperation> operations = graph_of_step(described, memory.plan(described).recompute);
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
    flags->add_to(command);
    set_action(command, [flags] { flags->run(); });
  });
}

}  // namespace minissl
