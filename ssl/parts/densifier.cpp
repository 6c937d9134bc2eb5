#include "ssl/parts/densifier.h"

#include <cmath>

#include "tensor/dry_run.h"
#include "tensor/random.h"

namespace minissl {
namespace {

// Of the normal distribution between -1 and 1, by rejection: two of three numbers are accepted.
float truncated_normal(const Random& random, uint32_t i) {
  constexpr uint32_t tries = 64;
  for (uint32_t t = 0; t < tries; ++t)
    if (const float x = random.normal(i * tries + t); std::abs(x) <= 1) return x;
  return 0;
}

}  // namespace

MaskTokens::MaskTokens(const std::vector<int64_t>& channels) : tokens_(channels.size()) {
  for (size_t s = 0; s < tokens_.size(); ++s) {
    const TagScope tag(MemoryTag::parameter);
    tokens_[s] = Variable::leaf(Tensor::zeros({1, channels[s], 1, 1}, DType::f32, DeviceScope::current()));
    add_parameter(std::to_string(s), tokens_[s]);
  }
}

Variable MaskTokens::at(size_t scale) const { return view(tokens_[scale], {tokens_[scale].value().numel()}); }

void MaskTokens::initialize_own(uint64_t seed, const std::string& path) {
  if (DryRun::active()) return;
  for (size_t s = 0; s < tokens_.size(); ++s) {
    const Random random(seed, RandomSite::initialization, 0, hash_name(path + "." + std::to_string(s)));
    const Tensor& token = tokens_[s].value();
    std::vector<double> drawn(static_cast<size_t>(token.numel()));
    for (size_t i = 0; i < drawn.size(); ++i) drawn[i] = 0.02 * truncated_normal(random, static_cast<uint32_t>(i));
    token.copy_from(Tensor::from<double>(token.shape(), drawn).to(token.dtype()));
  }
}

Densifier::Densifier(const std::vector<int64_t>& channels, const std::vector<int64_t>& widths) : tokens_(channels) {
  add_child("mask_tokens", tokens_);
  add_child("densify_norms", norms_list_);
  add_child("densify_projs", projections_list_);
  for (size_t s = 0; s < channels.size(); ++s) {
    norms_.push_back(std::make_unique<BatchNorm>(channels[s]));
    norms_list_.add_child(std::to_string(s), *norms_.back());
    projections_.emplace_back();
    if (s == 0 && channels[s] == widths[s]) continue;
    const int64_t kernel = s == 0 ? 1 : 3;
    projections_.back() = std::make_unique<Conv2d>(channels[s], widths[s], kernel, 1, kernel / 2,
                                                   Conv2dOptions{.bias = true, .draw = ConvolutionDraw::uniform});
    projections_list_.add_child(std::to_string(s), *projections_.back());
  }
}

std::vector<Variable> Densifier::forward(const std::vector<Variable>& maps, const VisibleCells& visible) {
  std::vector<Variable> dense;
  for (size_t s = 0; s < maps.size(); ++s) dense.push_back(forward(s, maps[s], visible));
  return dense;
}

// The visible places alone are normalised, as rows; then they go back to their places among mask tokens.
Variable Densifier::forward(size_t scale, const Variable& map, const VisibleCells& visible) {
  const Shape& shape = map.shape();
  const Variable places = view(map, {shape.numel() / shape[3], shape[3]});
  const Variable seen = norms_[scale]->forward(gather_rows(places, visible.positions(shape), Repeats::none), {});
  const Variable filled = gather_rows_or(seen, visible.places(shape), tokens_.at(scale), Repeats::none);
  const Variable dense = view(filled, shape);
  return projections_[scale] ? projections_[scale]->forward(dense) : dense;
}

}  // namespace minissl
