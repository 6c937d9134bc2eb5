#include "tensor/ops/drop_path.h"

#include "tensor/parallel.h"

namespace minissl::ops {

void kernel(Reference, const DropPath& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t images = op.x.dim(0), width = op.x.numel() / images;
    const T *x = op.x.data<T>(), *drop = op.drop.data<T>() + op.first;
    T* y = op.y.mutable_data<T>();
    parallel_for(images, 1, [=, rate = op.rate](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        const T factor = drop_path_factor(drop[n], rate);
        for (int64_t i = n * width; i < (n + 1) * width; ++i) y[i] = factor * x[i];
      }
    });
  });
}

}  // namespace minissl::ops
