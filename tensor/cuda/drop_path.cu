#include "tensor/cuda/launch.h"
#include "tensor/ops/drop_path.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const DropPath& op) {
  const T* x = data<T>(op.x);
  const auto* drop = data<Arithmetic<T>>(op.drop) + op.first;
  T* y = mutable_data<T>(op.y);
  each(op, op.x.numel(), [=, width = op.x.numel() / op.x.dim(0), rate = op.rate] __device__(int64_t i) {
    y[i] = static_cast<T>(drop_path_factor(drop[i / width], rate) * at(x, i));
  });
}

}  // namespace

void kernel(Cuda, const DropPath& op) {
  visit_floating(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
