#include "nn/backbones/normalized_convolution.h"

#include "nn/backbones/visible_cells.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/rows.h"

namespace minissl {

NormalizedConvolution::NormalizedConvolution(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                                             int64_t bn_groups, Names names)
    : convolution_(in, out, kernel, stride, padding), norm_(out, bn_groups) {
  add_child(std::move(names.convolution), convolution_);
  add_child(std::move(names.norm), norm_);
}

Variable NormalizedConvolution::forward(const Variable& x, const VisibleCells* cells, const Following& following) {
  if (!training() && cells == nullptr) {
    const Folded& f = folded(x.value().dtype());
    return convolution_inference(x, f.weight, convolution_.geometry(),
                                 {.bias = f.bias, .residual = following.residual.value(), .relu = following.relu});
  }
  const Variable sums = convolution_.forward(x);
  BatchNorm::Fused fused{.residual = following.residual, .relu = following.relu};
  if (cells != nullptr) fused.positions = cells->positions(sums.shape());
  return norm_.forward(sums, fused);
}

void NormalizedConvolution::train(bool on) {
  Module::train(on);
  if (on) folded_ = {};
}

bool NormalizedConvolution::Folded::made_of(const std::vector<StateEntry>& state) const {
  return std::equal(sources.begin(), sources.end(), state.begin(), state.end(),
                    [](const Source& source, const StateEntry& entry) {
                      const Tensor& now = entry.tensor();
                      return source.tensor.storage() == now.storage() && source.tensor.offset() == now.offset() &&
                             source.version == now.storage()->version();
                    });
}

const NormalizedConvolution::Folded& NormalizedConvolution::folded(DType type) {
  const std::vector<StateEntry> now = state();
  if (folded_.weight.defined() && folded_.weight.dtype() == type && folded_.made_of(now)) return folded_;
  folded_ = {};
  const TagScope tag(MemoryTag::parameter);
  const auto [scale, shift] = norm_.in_evaluation();
  const Tensor& weight = convolution_.weight().value();
  const int64_t outputs = weight.dim(0);
  const ops::RowScale scaled{scale.view({outputs, 1}), weight.view({outputs, weight.numel() / outputs}),
                             Tensor::empty({outputs, weight.numel() / outputs}, weight.dtype(), weight.device())};
  run(scaled);
  folded_ = {.weight = ops::cast(scaled.dx.view(weight.shape()), type), .bias = shift, .sources = {}};
  for (const StateEntry& entry : now) folded_.sources.push_back({entry.tensor(), entry.tensor().storage()->version()});
  return folded_;
}

}  // namespace minissl
