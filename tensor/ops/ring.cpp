#include "tensor/ops/ring.h"

#include <algorithm>

namespace minissl::ops {

void kernel(Reference, const PushRows& op) {
  const int64_t size = op.ring.dim(0), width = op.ring.dim(1), count = op.rows.dim(0);
  int64_t& next = *op.next.mutable_data<int64_t>();
  visit_arithmetic(op.ring.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* rows = op.rows.data<T>();
    T* ring = op.ring.mutable_data<T>();
    for (int64_t i = 0; i < count; ++i) std::copy_n(rows + i * width, width, ring + (next + i) % size * width);
  });
  next = (next + count) % size;
}

void push_rows(const Tensor& ring, const Tensor& rows, const Tensor& next) {
  require(ring.rank() == 2 && rows.rank() == 2 && rows.dim(1) == ring.dim(1) && rows.dim(0) <= ring.dim(0) &&
              rows.dtype() == ring.dtype(),
          "push_rows: {} can't overwrite rows of {}", rows, ring);
  require(next.numel() == 1 && next.dtype() == DType::i64, "push_rows: the position in a ring is i64[1], not {}", next);
  run(PushRows{ring, rows, next});
}

}  // namespace minissl::ops
