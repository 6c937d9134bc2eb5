#include "ssl/method.h"

#include "autograd/functions.h"
#include "ssl/losses.h"
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

void StepLog::tensor_to_inspect(const std::string& name, const Tensor& watched, const std::function<Tensor()>& make) {
  watch(name, watched);
  if (keep_ == Keep::everything) tensors_.emplace_back(name, make());
}

void StepLog::term(const std::string& name, const Variable& value) {
  watch("loss/" + name, value.value());
  terms_.emplace_back(name, value.value());
}

Method::Method(const SharedOptions& options)
    : bn_groups_(options.bn_groups()), variance_weight_(options.variance_weight) {
  require(options.variance_weight >= 0, "--variance-weight must not be negative, but it is {}",
          options.variance_weight);
}

std::string Method::check_data(int64_t /*images*/, int64_t batch) const {
  require(batch % bn_groups_ == 0 && batch / bn_groups_ > 1,
          "--bn split:{} needs batches of a multiple of {} images with two or more in each group, not {}", bn_groups_,
          bn_groups_, batch);
  return {};
}

Variable Method::with_variance(const Variable& loss, const Variable& z1, const Variable& z2, StepLog& log) const {
  if (variance_weight_ == 0) return loss;
  const Variable variance = (variance_loss(z1) + variance_loss(z2)) / 2;
  log.term("variance", variance);
  return loss + variance_weight_ * variance;
}

}  // namespace minissl
