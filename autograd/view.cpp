#include "autograd/functions.h"

namespace minissl {

// Where backward recomputes x, it recomputes the view.
Variable view(const Variable& x, const Shape& shape) {
  Variable y = record(
      "view", {x}, x.value().view(shape), {},
      [from = x.shape()](const Tensor& dy, const BackwardContext&) -> std::vector<Tensor> { return {dy.view(from)}; });
  if (x.recomputed() != nullptr)
    y.recompute_by(Recompute::each_use, {x}, [shape](const std::vector<Tensor>& in) { return in[0].view(shape); });
  return y;
}

}  // namespace minissl
