#include "nn/state_file.h"

#include "tensor/ops/transpose.h"

namespace minissl {
namespace {

Shape file_shape(const Shape& own, FileLayout layout) {
  switch (layout) {
    case FileLayout::same:
      return own;
    case FileLayout::oihw:
      return {own[0], own[3], own[1], own[2]};
    case FileLayout::transposed:
      return {own[1], own[0]};
  }
  fail("unknown layout");
}

}  // namespace

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

void require_state_fits(Module& module, const SafetensorsReader& file, const std::string& file_prefix) {
  for (const StateEntry& e : module.state(file_prefix)) {
    require(file.contains(e.name), "{}: no tensor {} in it; was it written for another `arch` or method?",
            file.path().string(), e.name);
    const Shape stored = file.find(e.name).shape, needed = file_shape(e.tensor().shape(), e.layout);
    require(stored == needed || (stored.numel() == 1 && needed.numel() == 1),
            "{}: {} is {} there, but {} is needed; was it written for another `arch`, `stem`, `width`, `channels` or "
            "`dim`?",
            file.path().string(), e.name, stored, needed);
  }
}

void load_state(Module& module, const SafetensorsReader& file, const std::string& file_prefix) {
  require_state_fits(module, file, file_prefix);
  std::vector<std::pair<StateEntry, Tensor>> loaded;
  for (const StateEntry& e : module.state(file_prefix)) {
    const Tensor stored = file.read(e.name);
    const Tensor tensor = stored.numel() == 1 ? stored : from_file_layout(stored, e.layout);
    loaded.emplace_back(e, tensor.view(e.tensor().shape()));
  }
  for (const auto& [entry, tensor] : loaded) entry.tensor().copy_from(tensor);
}

}  // namespace minissl
