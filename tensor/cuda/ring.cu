#include "tensor/cuda/launch.h"
#include "tensor/ops/ring.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void write_rows(const PushRows& op) {
  const T* rows = data<T>(op.rows);
  const auto* next = data<int64_t>(op.next);
  T* ring = mutable_data<T>(op.ring);
  each(op, op.rows.numel(), [=, size = op.ring.dim(0), width = op.ring.dim(1)] __device__(int64_t i) {
    ring[(*next + i / width) % size * width + i % width] = rows[i];
  });
}

}  // namespace

void kernel(Cuda, const PushRows& op) {
  visit_arithmetic(op.ring.dtype(), [&](auto type) { write_rows<decltype(type)>(op); });
  auto* next = mutable_data<int64_t>(op.next);
  each(op, 1,
       [=, size = op.ring.dim(0), count = op.rows.dim(0)] __device__(int64_t) { *next = (*next + count) % size; });
}

}  // namespace minissl::ops
