#include "ssl/step/step_memory.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "autograd/graph.h"
#include "nn/state_file.h"
#include "ssl/step/step.h"

namespace minissl {
namespace {

constexpr int projector = -1, loss_matrices = -2;

// Outside the parts, a projector's operations read parameters and the loss's don't.
int owner_of(const Node& node) {
  if (node.part >= 0) return node.part;
  const bool learned =
      std::any_of(node.inputs.begin(), node.inputs.end(), [](const auto& in) { return in != nullptr && in->is_leaf; });
  return learned || std::strcmp(node.operation, "relu") == 0 ? projector : loss_matrices;
}

std::map<int, int64_t> kept_by_part(const Variable& loss) {
  std::map<int, int64_t> kept;
  for (const auto& [node, bytes] : kept_by_node(loss)) kept[owner_of(*node)] += bytes;
  return kept;
}

// Bytes in use at `event` that neither persist between steps nor are kept for backward.
int64_t transient(const DryRun::Event& event) {
  const auto of = [&](MemoryTag tag) { return event.by_tag[static_cast<size_t>(tag)]; };
  return of(MemoryTag::workspace) + of(MemoryTag::recomputed);
}

/// Observes the graph of a step's last batch.
class GraphObserver final : public StepObserver {
 public:
  std::vector<PartRecord> parts;
  std::map<int, int64_t> kept;  // by part

 private:
  void before_backward(const Variable& loss, const StepLog&) override {
    parts = PlanScope::active()->parts();
    kept = kept_by_part(loss);
  }
};

}  // namespace

int64_t StepMemory::activations() const {
  int64_t sum = kept_by_projector + kept_by_loss;
  for (const PartMemory& part : parts) sum += part.kept;
  return sum;
}

int64_t StepMemory::naive_activations() const {
  int64_t sum = kept_by_projector + kept_by_loss;
  for (const PartMemory& part : parts) sum += part.naive;
  return sum;
}

StepMemory predict_step(const StepDescription& step, const RecomputePlan& plan) {
  DryRun dry_run(step.device);
  const DeviceScope device_scope(step.device);
  StepMemory result;
  {
    const std::unique_ptr<Method> method = step.make(step.dtype);
    const std::unique_ptr<Optimizer> optimizer = make_optimizer(step.optimizer, method->online(), method->rules());
    std::vector<Batch> waiting;
    for (int64_t i = 0; i < step.waiting_batches; ++i) waiting.push_back(empty_batch(*method, step, {}));
    Batch batch = empty_batch(*method, step, step.device);
    Batch loaded;  // on a GPU, the step works on a copy of the loader's batch
    if (step.device.type == DeviceType::cuda) loaded = empty_batch(*method, step, step.device);
    dry_run.allocator().reset_peak();
    if (step.between_steps) step.between_steps(*method);
    Step training(*method, *optimizer, {.recompute = plan});
    GraphObserver graph;
    for (int64_t i = 0; i < 2; ++i) {
      dry_run.clear_events();
      training.run(
          {.step = i, .total_steps = 2}, optimizer->constant_rates(1e-4), [&] { return batch; }, graph);
    }
    const auto bytes_of = [&](int owner) { return graph.kept.contains(owner) ? graph.kept.at(owner) : 0; };
    const auto begins_view = [&](size_t p) { return graph.parts[p].name == graph.parts[0].name; };
    int view = 0;
    for (size_t p = 0; p < graph.parts.size(); ++p) {
      const PartRecord& record = graph.parts[p];
      if (begins_view(p)) ++view;
      // The last ReLU's output is read only by the pooling, but PyTorch keeps it for the ReLU.
      const bool last = p + 1 == graph.parts.size() || begins_view(p + 1);
      result.parts.push_back({.record = record,
                              .view = view,
                              .kept = bytes_of(static_cast<int>(p)),
                              .naive = record.naive + (last ? record.output.bytes() : 0)});
    }
    result.kept_by_projector = bytes_of(projector);
    result.kept_by_loss = bytes_of(loss_matrices);
    if (step.checkpoints) {
      const NamedTensors state = file_tensors(*method), moments = optimizer->state();
    }
    result.usage = dry_run.usage();
    result.flops = dry_run.flops();
    result.events = dry_run.events();
  }
  for (const DryRun::Event& e : result.events) {
    if (e.part < 0) continue;
    PartMemory& part = result.parts[static_cast<size_t>(e.part)];
    int64_t& most = e.backward ? part.transient : part.forward;
    most = std::max(most, transient(e));
    if (e.backward) part.peak = std::max(part.peak, e.live);
  }
  return result;
}

}  // namespace minissl
