#include "ssl/step/step_record.h"

#include "nn/state_file.h"
#include "ssl/step/step.h"

namespace minissl {
namespace {

/// Records a step's tensors.
class Recorder final : public StepObserver {
 public:
  Recorder(Method& method, NamedTensors& record) : method_(method), record_(record) {}
  void begin_step(int64_t step) { prefix_ = fmt::format("step{}/", step); }

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
  void add(const std::string& name, const Tensor& tensor) { record_.emplace_back(prefix_ + name, tensor); }

  Method& method_;
  NamedTensors& record_;
  std::string prefix_;
};

}  // namespace

NamedTensors record_steps(Method& method, const OptimizerOptions& optimizer, const Schedule& schedule, int64_t steps,
                          const RecomputePlan& plan, const BatchSource& batches) {
  const std::unique_ptr<Optimizer> update = make_optimizer(optimizer, method.online(), method.rules());
  Step step(method, *update, {.recompute = plan});
  NamedTensors record;
  Recorder recorder(method, record);
  for (int64_t i = 0; i < steps; ++i) {
    recorder.begin_step(i);
    const StepRates rates{schedule.at(i), schedule.peak, optimizer.weight_decay};
    step.run(
        {.step = i, .total_steps = steps}, rates, [&] { return batches(i); }, recorder);
  }
  for (auto& [name, tensor] : file_tensors(method)) record.emplace_back("after/" + name, tensor.clone());
  return record;
}

}  // namespace minissl
