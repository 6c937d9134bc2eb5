#include "tensor/group.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"

namespace minissl {

// y = sum over the ranks r of x_r enters every rank's loss, so dx_r = sum over the ranks s of dy_s.
Variable all_sum(const Variable& x) {
  Group& group = Group::current();
  if (group.size() == 1) return x;
  const Tensor y = x.value().clone();
  group.all_sum(y);
  return record("all_sum", {x}, y, {}, [&group](const Tensor& dy, const BackwardContext&) -> Gradients {
    const Tensor dx = dy.clone();
    group.all_sum(dx);
    return {dx};
  });
}

// This rank's rows enter every rank's loss, so dx is their part of the sum of the ranks' dy.
Variable all_gather_rows(const Variable& x) {
  Group& group = Group::current();
  if (group.size() == 1) return x;
  return record("all_gather_rows", {x}, group.all_gather_rows(x.value()), {},
                [&group, rows = x.shape()[0]](const Tensor& dy, const BackwardContext&) -> Gradients {
                  const Tensor sum = dy.clone();
                  group.all_sum(sum);
                  return {sum.rows(group.rank() * rows, (group.rank() + 1) * rows).clone()};
                });
}

}  // namespace minissl
