#include "ssl/parts/output_center.h"

#include "autograd/functions.h"
#include "tensor/group.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/update.h"

namespace minissl {

OutputCenter::OutputCenter(int64_t outputs, double momentum, DType dtype) : momentum_(momentum) {
  const TagScope tag(MemoryTag::parameter);
  center_ = Tensor::zeros({1, outputs}, dtype, DeviceScope::current());
  means_ = Tensor::zeros({outputs}, dtype, DeviceScope::current());
  add_buffer("center", center_);
}

Tensor OutputCenter::mean(const Tensor& rows) {
  return (Variable(ops::column_sum(rows)) / static_cast<double>(rows.dim(0))).value();
}

Tensor OutputCenter::moved(const Tensor& mean) const {
  const Tensor center = center_.clone();
  run(ops::Ema{center, mean, momentum_});
  return center;
}

void OutputCenter::add(const Tensor& mean) const { run(ops::Accumulate{means_, mean}); }

void OutputCenter::move(int64_t batches) {
  Group& group = Group::current();
  group.all_sum(means_);
  const Variable mean = Variable(means_) / static_cast<double>(batches * group.size());
  run(ops::Ema{center_, mean.value(), momentum_});
}

}  // namespace minissl
