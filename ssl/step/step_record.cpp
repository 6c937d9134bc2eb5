#include "ssl/step/step_record.h"

#include <limits>

#include "autograd/functions.h"
#include "nn/state_file.h"
#include "ssl/step/step.h"

namespace minissl {
namespace {

/// Records a step's tensors.
class Recorder final : public StepObserver {
 public:
  Recorder(Method& method, NamedTensors& record, bool clips) : method_(method), record_(record), clips_(clips) {}
  void begin_step(int64_t step) { prefix_ = fmt::format("step{}/", step); }
  void end_step(const Tensor& gradient_norm) { add("grad_norm", gradient_norm.view({}).clone()); }

 private:
  StepLog::Keep keep() const override { return StepLog::Keep::everything; }

  void after_batch(const Variable& loss, const StepLog& log) override {
    add("loss", loss.value().view({}).clone());
    for (const auto& [name, value] : log.terms()) add("loss/" + name, value.view({}));
    for (const auto& [name, tensor] : log.tensors()) add(name, tensor);
  }
  void before_update() override {
    for (const StateEntry& p : method_.parameters())
      if (p.parameter->requires_grad()) add("grad/" + p.name, to_file_layout(p.parameter->grad().clone(), p.layout));
  }
  void clipped(const Tensor& scale) override {
    if (!clips_) return;
    for (const StateEntry& p : method_.parameters())
      if (p.parameter->requires_grad())
        add("clipped/" + p.name, to_file_layout((Variable(p.parameter->grad()) * scale.item()).value(), p.layout));
  }
  void add(const std::string& name, const Tensor& tensor) { record_.emplace_back(prefix_ + name, tensor); }

  Method& method_;
  NamedTensors& record_;
  bool clips_;
  std::string prefix_;
};

}  // namespace

NamedTensors record_steps(Method& method, const OptimizerOptions& optimizer, const Schedule& schedule, int64_t steps,
                          const RecomputePlan& plan, const BatchSource& batches, double clip_norm,
                          int64_t schedule_steps) {
  const std::unique_ptr<Optimizer> update = make_optimizer(optimizer, method.online(), method.rules());
  Step step(method, *update, {.recompute = plan, .clip_norm = clip_norm});
  NamedTensors record;
  Recorder recorder(method, record, clip_norm > 0);
  const int64_t length = schedule_steps > 0 ? schedule_steps : std::numeric_limits<int64_t>::max();
  for (int64_t i = 0; i < steps; ++i) {
    recorder.begin_step(i);
    const StepRates rates{schedule.at(i), schedule.peak, optimizer.weight_decay};
    step.run(
        {.step = i, .total_steps = length}, rates, [&] { return batches(i); }, recorder);
    recorder.end_step(step.gradient_norm());
  }
  for (auto& [name, tensor] : file_tensors(method)) record.emplace_back("after/" + name, tensor.clone());
  return record;
}

}  // namespace minissl
