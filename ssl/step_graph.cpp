#include "ssl/step_graph.h"

#include <map>

#include "autograd/graph.h"

namespace minissl {

std::vector<StepOperation> graph_of_step(const StepDescription& step, const RecomputePlan& plan) {
  const DryRun dry_run(step.device);
  const DeviceScope device_scope(step.device);
  const std::unique_ptr<Method> method = step.make(step.dtype);
  std::map<const Node*, std::string> parameters;
  for (const StateEntry& e : method->parameters()) parameters[e.parameter->node().get()] = e.name;
  const auto view = [&] {
    const TagScope tag(MemoryTag::data);
    return Tensor::empty(step.images, step.activations, step.device);
  };
  const int64_t count = step.images[0];
  StepLog log;
  method->before_step();
  const PlanScope scope(plan);
  const Variable loss = method->loss({view(), view(), draw_shuffle(count, 0, 0, 0), draw_shuffle(count, 0, 0, 1)}, log);

  std::vector<int> view_of_part;
  int view_number = 0;
  for (const PartRecord& part : scope.parts()) {
    if (part.name == scope.parts()[0].name) ++view_number;
    view_of_part.push_back(view_number);
  }
  std::vector<StepOperation> operations;
  std::map<const Node*, size_t> index;
  for (const auto& [node, kept] : kept_by_node(loss)) {
    // A weight's copy in bf16 stands for the weight.
    if (node->inputs.size() == 1 && node->inputs[0] != nullptr && parameters.contains(node->inputs[0].get()))
      parameters[node] = parameters.at(node->inputs[0].get());
    if (parameters.contains(node)) continue;
    StepOperation& operation = operations.emplace_back();
    operation.name = node->operation;
    operation.shape = node->shape;
    operation.kept = kept;
    if (node->part >= 0) {
      operation.part = scope.parts()[static_cast<size_t>(node->part)].name;
      operation.view = view_of_part[static_cast<size_t>(node->part)];
    }
    for (const auto& input : node->inputs) {
      if (input == nullptr) continue;
      const auto parameter = parameters.find(input.get());
      if (parameter != parameters.end())
        operation.parameters.push_back(parameter->second);
      else
        operation.inputs.push_back(index.at(input.get()));
    }
    index[node] = operations.size() - 1;
  }
  return operations;
}

}  // namespace minissl
