#include "tensor/ops/drop_path.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "autograd/recompute.h"

namespace minissl {

Variable drop_path(const Variable& x, const Tensor& drop, int64_t first, double rate) {
  require(0 <= rate && rate < 1, "drop_path: the rate is at least 0 and below 1, not {}", rate);
  const int64_t images = x.shape()[0];
  require(drop.dtype() == master_type(x.value().dtype()) && 0 <= first && first + images <= drop.numel(),
          "drop_path: {} has no numbers for {} images from {} on", drop, images, first);
  const auto drop_from = [first, rate](const Tensor& x, const Tensor& drop) {
    ops::DropPath op{x, drop, Tensor::empty_like(x), first, rate};
    run(op);
    return op.y;
  };
  Variable y = record("drop_path", {x}, drop_from(x.value(), drop), {drop},
                      [drop_from](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        return {drop_from(dy, context.saved(0))};
                      });
  y.recompute_by(Recompute::each_use, {x, drop},
                 [drop_from](const std::vector<Tensor>& in) { return drop_from(in[0], in[1]); });
  return y;
}

}  // namespace minissl
