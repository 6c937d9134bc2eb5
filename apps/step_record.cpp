#include "apps/step_record.h"

#include "nn/state_file.h"

namespace minissl {

NamedTensors record_steps(Method& method, const OptimizerOptions& optimizer, double lr, int64_t steps,
                          const RecomputePlan& plan, const ViewSource& views) {
  const std::unique_ptr<Optimizer> update = make_optimizer(optimizer, method.online(), method.rules());
  NamedTensors record;
  for (int64_t step = 0; step < steps; ++step) {
    const std::string prefix = fmt::format("step{}/", step);
    StepLog log(StepLog::Keep::everything);
    method.online().zero_gradients();
    method.set_position({step, steps});
    method.before_step();
    const Variable loss = with_plan(plan, [&] { return method.loss(views(step), log); });
    backward(loss);
    method.after_backward();
    record.emplace_back(prefix + "loss", loss.value().view({}).clone());
    for (const auto& [name, value] : log.terms()) record.emplace_back(prefix + "loss/" + name, value.view({}));
    for (const auto& [name, tensor] : log.tensors()) record.emplace_back(prefix + name, tensor);
    for (const StateEntry& p : method.parameters())
      if (p.parameter->requires_grad())
        record.emplace_back(prefix + "grad/" + p.name, to_file_layout(p.parameter->grad().clone(), p.layout));
    update->step(lr, 1, method.follower());
  }
  for (auto& [name, tensor] : file_tensors(method)) record.emplace_back("after/" + name, tensor.clone());
  return record;
}

}  // namespace minissl
