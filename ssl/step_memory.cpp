#include "ssl/step_memory.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "autograd/graph.h"
#include "nn/state_file.h"
#include "ssl/knn.h"

namespace minissl {
namespace {

Tensor data(const Shape& shape, DType dtype, Device device) {
  const TagScope tag(MemoryTag::data);
  return Tensor::empty(shape, dtype, device);
}

constexpr int projector = -1, loss_matrices = -2;

// Beside the parts there are projectors, whose operations read parameters, and the loss, whose don't.
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

// Of a convolution its input and output; of a normalisation its input, of the ReLU behind it its output: the input of
// the next convolution or, of the stem, of the pooling, which keeps a 64-bit position for each maximum. PyTorch's
// networks keep this.
int64_t naively_kept(const PartRecord& part, bool first, bool last, int64_t element) {
  int64_t elements = last ? part.output.numel() : 0, positions = 0;
  bool input_counted = first;  // images are there anyway
  for (const PartRecord::Convolution& c : part.convolutions) {
    elements += c.y.numel();
    if (!c.reads_input || !std::exchange(input_counted, true)) elements += c.x.numel();
  }
  if (first && part.output.rank() > 0) {
    elements += part.convolutions[0].y.numel();
    positions = part.output.numel();
  }
  return elements * element + positions * static_cast<int64_t>(sizeof(int64_t));
}

// What a step's tensors take in `event` that neither stays from step to step nor is kept for backward.
int64_t transient(const DryRun::Event& event) {
  const auto of = [&](MemoryTag tag) { return event.by_tag[static_cast<size_t>(tag)]; };
  return of(MemoryTag::workspace) + of(MemoryTag::recomputed);
}

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
    const int64_t count = step.images[0];
    std::vector<Tensor> waiting;
    for (int64_t i = 0; i < 2 * step.waiting_batches; ++i) waiting.push_back(data(step.images, step.activations, {}));
    const auto view = [&] { return data(step.images, step.activations, step.device); };
    const Views views{view(), view(), draw_shuffle(count, 0, 0, 0), draw_shuffle(count, 0, 0, 1)};
    std::vector<Tensor> loaded;  // a GPU's step works on a copy of what a loader makes there
    if (step.device.type == DeviceType::cuda) loaded = {view(), view()};
    dry_run.allocator().reset_peak();
    if (step.evaluated_images > 0) {
      Shape some = step.images;
      some[0] = step.evaluated_images;
      const Embedding e = method->embed(data(some, step.activations, {}));
      const int64_t backbone = e.backbone.dim(1), projection = e.projection.dim(1);
      const int64_t rows = step.evaluated_rows, pixels = step.evaluated_pixels;
      const Tensor features = Tensor::empty({rows, std::max(backbone + projection, pixels)}),
                   normalized = Tensor::empty({rows, std::max({backbone, projection, pixels})}),
                   similarity = Tensor::empty({knn_block, rows});
    }
    for (int64_t i = 0; i < 2; ++i) {
      dry_run.clear_events();
      StepLog log;
      method->online().zero_gradients();
      method->before_step();
      const PlanScope scope(plan);
      const Variable loss = method->loss(views, log);
      const std::map<int, int64_t> kept = kept_by_part(loss);
      backward(loss);
      method->after_backward();
      optimizer->step(1e-4, 1, method->follower());
      if (i == 0) continue;
      const auto bytes_of = [&](int owner) { return kept.contains(owner) ? kept.at(owner) : 0; };
      const auto begins_view = [&](size_t i) { return scope.parts()[i].name == scope.parts()[0].name; };
      int view = 0;
      for (size_t p = 0; p < scope.parts().size(); ++p) {
        const PartRecord& record = scope.parts()[p];
        if (begins_view(p)) ++view;
        PartMemory& part = result.parts.emplace_back();
        part.record = record;
        part.view = view;
        part.kept = bytes_of(static_cast<int>(p));
        part.naive = naively_kept(record, begins_view(p), p + 1 == scope.parts().size() || begins_view(p + 1),
                                  static_cast<int64_t>(size_of(step.activations)));
      }
      result.kept_by_projector = bytes_of(projector);
      result.kept_by_loss = bytes_of(loss_matrices);
    }
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
