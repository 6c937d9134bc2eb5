#include "nn/transformer.h"

#include <cmath>

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
      proj_(options.width, options.width, {.converted = true, .init = options.init}),
      fc1_(options.width, 4 * options.width, {.converted = true, .init = options.init}),
      fc2_(4 * options.width, options.width, {.converted = true, .init = options.init}) {
  attn_.add_child("qkv", qkv_);
  attn_.add_child("proj", proj_);
  mlp_.add_child("fc1", fc1_);
  mlp_.add_child("fc2", fc2_);
  add_child("norm1", norm1_);
  add_child("attn", attn_);
  add_child("norm2", norm2_);
  add_child("mlp", mlp_);
}

Variable TransformerBlock::forward(const Variable& x, const BlockDrop& drop) const {
  const Shape by_head{x.shape()[0], x.shape()[1], 3, heads_, head_width_};
  const Variable qkv = view(qkv_.forward(norm1_.forward(x)), by_head);
  const Variable y = attention(qkv, 1 / std::sqrt(static_cast<double>(head_width_)));
  const auto added = [&](const Linear& last, const Variable& branch, const Variable& to, int64_t first) {
    if (drop.rate == 0) return last.forward(branch, to);
    return to + drop_path(last.forward(branch), drop.numbers, first, drop.rate);
  };
  const Variable h = added(proj_, y, x, drop.attention);
  return added(fc2_, gelu(fc1_.forward_without_bias(norm2_.forward(h)), fc1_.bias()), h, drop.mlp);
}

}  // namespace minissl
