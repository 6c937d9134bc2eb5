#include "ssl/parts/mlp.h"

namespace minissl {

std::vector<int64_t> after(int64_t features, std::vector<int64_t> widths) {
  widths.insert(widths.begin(), features);
  return widths;
}

Mlp::Mlp(const std::vector<int64_t>& widths, Last last) {
  for (const int64_t width : widths) require(width > 0, "`dim` and `hidden` must be at least 1, not {}", width);
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    const bool is_last = i + 2 == widths.size();
    const bool bias = last == Last::linear_all_biased || (is_last && last == Last::linear_with_bias);
    linears_.push_back(std::make_unique<Linear>(widths[i], widths[i + 1], LinearOptions{.bias = bias}));
    add_child(std::to_string(3 * i), *linears_.back());
    if (is_last && last != Last::batch_norm) break;
    norms_.push_back(
        std::make_unique<BatchNorm>(widths[i + 1], 1, is_last ? BatchNorm::Affine::no : BatchNorm::Affine::yes));
    add_child(std::to_string(3 * i + 1), *norms_.back());
  }
}

Variable Mlp::raw(const Variable& x) {
  Variable h = linears_.front()->forward(x);
  for (size_t i = 1; i < linears_.size(); ++i) h = linears_[i]->forward(norms_[i - 1]->forward(h, {.relu = true}));
  return h;
}

Variable Mlp::finish(const Variable& raw) {
  return norms_.size() < linears_.size() ? raw : norms_.back()->forward(raw, {});
}

}  // namespace minissl
