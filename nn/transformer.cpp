#include "nn/transformer.h"

#include <cmath>

#include "nn/parameters.h"
#include "tensor/ops/attention.h"

namespace minissl {
namespace {

int64_t head_width_of(int64_t width, int64_t heads) {
  require(heads > 0 && width > 0 && width % heads == 0, "`heads` {} do not divide a `width` of {}", heads, width);
  require(width / heads <= ops::most_head_elements,
          "`heads` {} of a `width` of {} have {} elements each, but may have {} at most", heads, width, width / heads,
          ops::most_head_elements);
  return width / heads;
}

}  // namespace

TransformerBlock::TransformerBlock(const TransformerOptions& options)
    : heads_(options.heads),
      head_width_(head_width_of(options.width, options.heads)),
      norm1_(options.width),
      norm2_(options.width),
      qkv_(options.width, 3 * options.width, {.converted = true, .init = options.init, .parts = options.qkv_parts}),
      proj_(options.width, options.width,
            {.converted = true, .init = options.init, .deviation = options.branch_deviation}),
      fc1_(options.width, 4 * options.width, {.converted = true, .init = options.init}),
      fc2_(4 * options.width, options.width,
           {.converted = true, .init = options.init, .deviation = options.branch_deviation}),
      layer_scale_(options.layer_scale) {
  attn_.add_child("qkv", qkv_);
  attn_.add_child("proj", proj_);
  mlp_.add_child("fc1", fc1_);
  mlp_.add_child("fc2", fc2_);
  add_child("norm1", norm1_);
  add_child("attn", attn_);
  add_child("norm2", norm2_);
  add_child("mlp", mlp_);
  if (layer_scale_ == 0) return;
  gamma_1_ = parameter({options.width});
  gamma_2_ = parameter({options.width});
  add_parameter("gamma_1", gamma_1_);
  add_parameter("gamma_2", gamma_2_);
}

void TransformerBlock::initialize_own(uint64_t, const std::string&) {
  for (const Variable& gains : {gamma_1_, gamma_2_})
    if (gains.defined()) gains.value().fill(layer_scale_);
}

Variable TransformerBlock::forward(const Variable& x, const BlockDrop& drop, const Variable& bias) const {
  const Shape by_head{x.shape()[0], x.shape()[1], 3, heads_, head_width_};
  const Variable qkv = view(qkv_.forward(norm1_.forward(x)), by_head);
  const Variable y = attention(qkv, 1 / std::sqrt(static_cast<double>(head_width_)), bias);
  const auto added = [&](const Linear& last, const Variable& gains, const Variable& branch, const Variable& to,
                         int64_t first) {
    const auto result = [&](const Variable& residual) {
      return gains.defined() ? last.forward_scaled(branch, gains, residual) : last.forward(branch, residual);
    };
    return drop.rate == 0 ? result(to) : to + drop_path(result({}), drop.numbers, first, drop.rate);
  };
  const Variable h = added(proj_, gamma_1_, y, x, drop.attention);
  const Variable hidden = gelu(fc1_.forward_without_bias(norm2_.forward(h)), fc1_.bias());
  return added(fc2_, gamma_2_, hidden, h, drop.mlp);
}

}  // namespace minissl
