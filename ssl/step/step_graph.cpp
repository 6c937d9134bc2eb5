#include "ssl/step/step_graph.h"

#include <cstring>
#include <map>

#include "autograd/graph.h"
#include "ssl/step/step.h"

namespace minissl {
namespace {

/// Collects the operations that a loss depends on.
class GraphRecorder final : public StepObserver {
 public:
  explicit GraphRecorder(Method& method) {
    for (const StateEntry& e : method.parameters()) parameters_[e.parameter->node().get()] = e.name;
  }
  std::vector<StepOperation> operations;

 private:
  void before_backward(const Variable& loss, const StepLog&) override {
    const std::vector<PartRecord>& parts = PlanScope::active()->parts();
    std::vector<int> view_of_part;
    int view_number = 0;
    for (const PartRecord& part : parts) {
      if (part.name == parts[0].name) ++view_number;
      view_of_part.push_back(view_number);
    }
    std::map<const Node*, size_t> index;
    for (const auto& [node, kept] : kept_by_node(loss)) {
      // A weight's bf16 copy stands for the weight.
      if (std::strcmp(node->operation, "cast") == 0 && node->inputs[0] != nullptr &&
          parameters_.contains(node->inputs[0].get()))
        parameters_[node] = parameters_.at(node->inputs[0].get());
      if (parameters_.contains(node)) continue;
      StepOperation& operation = operations.emplace_back();
      operation.name = node->operation;
      operation.shape = node->shape;
      operation.kept = kept;
      if (node->part >= 0) {
        operation.part = parts[static_cast<size_t>(node->part)].name;
        operation.view = view_of_part[static_cast<size_t>(node->part)];
      }
      for (const auto& input : node->inputs) {
        if (input == nullptr) continue;
        const auto parameter = parameters_.find(input.get());
        if (parameter != parameters_.end())
          operation.parameters.push_back(parameter->second);
        else
          operation.inputs.push_back(index.at(input.get()));
      }
      index[node] = operations.size() - 1;
    }
  }

  std::map<const Node*, std::string> parameters_;
};

}  // namespace

std::vector<StepOperation> graph_of_step(const StepDescription& step, const RecomputePlan& plan) {
  const DryRun dry_run(step.device);
  const DeviceScope device_scope(step.device);
  const std::unique_ptr<Method> method = step.make(step.dtype);
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(step.optimizer, method->online(), method->rules());
  GraphRecorder graph(*method);
  Step(*method, *optimizer, {.recompute = plan})
      .run(
          {}, optimizer->constant_rates(1e-4), [&] { return empty_batch(*method, step, step.device); }, graph);
  return std::move(graph.operations);
}

}  // namespace minissl
