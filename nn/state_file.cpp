#include "nn/state_file.h"

#include "tensor/ops/transpose.h"

namespace minissl {

Tensor to_file_layout(const Tensor& tensor, FileLayout layout) {
  switch (layout) {
    case FileLayout::same:
      return tensor;
    case FileLayout::oihw:
      return ops::nhwc_to_nchw(tensor);
    case FileLayout::transposed:
      return ops::transpose(tensor);
  }
  fail("unknown layout");
}

Tensor from_file_layout(const Tensor& tensor, FileLayout layout) {
  return layout == FileLayout::oihw ? ops::nchw_to_nhwc(tensor) : to_file_layout(tensor, layout);
}

NamedTensors file_tensors(Module& module, const std::string& prefix) {
  NamedTensors tensors;
  for (const StateEntry& e : module.state(prefix)) tensors.emplace_back(e.name, to_file_layout(e.tensor(), e.layout));
  return tensors;
}

void load_state(Module& module, const SafetensorsReader& file, const std::string& file_prefix) {
  std::vector<std::pair<StateEntry, Tensor>> loaded;
  for (const StateEntry& e : module.state(file_prefix)) {
    require(file.contains(e.name), "{}: no tensor {} in it; was it written for another `arch` or method?",
            file.path().string(), e.name);
    const Tensor stored = file.read(e.name);
    const Tensor& own = e.tensor();
    const bool fits = stored.rank() == own.rank() && stored.numel() == own.numel();
    const Tensor tensor = fits ? from_file_layout(stored, e.layout) : stored;
    require(tensor.shape() == own.shape() || (own.numel() == 1 && tensor.numel() == 1),
            "{}: {} is {} there, but {} is needed; was it written for another `arch`, `stem`, `width`, `channels` or "
            "`dim`?",
            file.path().string(), e.name, stored.shape().str(), to_file_layout(own, e.layout).shape().str());
    loaded.emplace_back(e, tensor.view(own.shape()));
  }
  for (const auto& [entry, tensor] : loaded) entry.tensor().copy_from(tensor);
}

}  // namespace minissl
