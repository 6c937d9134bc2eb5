#include "nn/arena.h"

namespace minissl {

ParameterArena::ParameterArena(Module& module, Gradients gradients) {
  const std::vector<StateEntry> parameters = module.parameters();
  require(!parameters.empty(), "an arena needs parameters");
  const DType dtype = parameters.front().tensor().dtype();
  const Device device = parameters.front().tensor().device();
  const int64_t alignment = 64 / size_of(dtype);
  int64_t size = 0;
  for (const StateEntry& p : parameters) {
    segments_.push_back({p.name, p.tensor().shape(), size});
    size += (p.tensor().numel() + alignment - 1) / alignment * alignment;
  }
  {
    const TagScope tag(MemoryTag::parameter);
    values_ = Tensor::zeros({size}, dtype, device);
  }
  if (gradients == Gradients::kept) {
    const TagScope tag(MemoryTag::gradient);
    gradients_ = Tensor::zeros({size}, dtype, device);
  }
  int64_t end_of_converted = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Segment& s = segments_[i];
    const Tensor view = values_.slice(s.offset, s.shape);
    if (parameters[i].converted) {
      *parameters[i].converted = converted_;
      end_of_converted = s.offset + view.numel();
    }
    view.copy_from(parameters[i].tensor());
    parameters[i].set_tensor(view);
    // A frozen parameter is a constant in the graph: nothing is kept for it.
    if (gradients_.defined())
      parameters[i].parameter->set_grad(gradients_.slice(s.offset, s.shape));
    else
      *parameters[i].parameter = Variable(view);
  }
  converted_->cover(values_.slice(0, {end_of_converted}));
}

void ParameterArena::zero_gradients() const {
  if (gradients_.defined()) gradients_.fill(0);
}

}  // namespace minissl
