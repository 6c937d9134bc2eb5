#include "ssl/step_log.h"

#include "tensor/ops/update.h"

namespace minissl {

void StepLog::watch(const std::string& name, const Tensor& value) {
  ops::SquaredNorm op{value, Tensor::empty({1}, DType::f64, value.device())};
  run(op);
  squared_norms_.emplace_back(name, op.y);
}

void StepLog::tensor(const std::string& name, const Variable& value) {
  watch(name, value.value());
  if (keep_ == Keep::everything) tensors_.emplace_back(name, value.value());
}

void StepLog::tensor_to_inspect(const std::string& name, const Tensor& watched,
                                const std::function<Tensor()>& compute) {
  watch(name, watched);
  if (keep_ == Keep::everything) tensors_.emplace_back(name, compute());
}

void StepLog::term(const std::string& name, const Variable& value) {
  watch("loss/" + name, value.value());
  terms_.emplace_back(name, value.value());
}

}  // namespace minissl
