#pragma once
#include "tensor/group.h"
#include "tensor/operation.h"

/// The collectives of a Group as operations, so that profiles show them and dry runs skip them. Call them through
/// tensor/group.h.
namespace minissl::ops {

/// x becomes the sum of the ranks' x.
struct AllSum {
  static constexpr const char* name = "all_sum";
  Tensor x;
  Group* group;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const AllSum&);
void kernel(Cuda, const AllSum&);

/// y (size * N, ...) = the rows x (N, ...) of all ranks, in the order of the ranks.
struct AllGatherRows {
  static constexpr const char* name = "all_gather_rows";
  Tensor x, y;
  Group* group;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const AllGatherRows&);
void kernel(Cuda, const AllGatherRows&);

}  // namespace minissl::ops
