#include "tensor/ops/collective.h"

namespace minissl::ops {

// The group knows where tensors are and how to reach them.
void kernel(Reference, const AllSum& op) { op.group->sum_over_ranks(op.x); }
void kernel(Cuda, const AllSum& op) { op.group->sum_over_ranks(op.x); }
void kernel(Reference, const AllGatherRows& op) { op.group->gather_over_ranks(op.x, op.y); }
void kernel(Cuda, const AllGatherRows& op) { op.group->gather_over_ranks(op.x, op.y); }

}  // namespace minissl::ops
