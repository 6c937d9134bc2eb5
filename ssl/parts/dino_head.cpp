#include "ssl/parts/dino_head.h"

namespace minissl {
namespace {

constexpr LinearOptions like_a_transformers{.init = LinearInit::normal};

Variable activated(const Variable& x, const std::unique_ptr<BatchNorm>& norm) {
  return gelu(norm ? norm->forward(x, {}) : x);
}

}  // namespace

DinoHead::DinoHead(int64_t features, const DinoHeadOptions& options)
    : first_(features, options.hidden, like_a_transformers),
      second_(options.hidden, options.hidden, like_a_transformers),
      third_(options.hidden, options.bottleneck, like_a_transformers),
      last_layer_(options.bottleneck, options.outputs,
                  options.train_norm ? WeightNormLinear::Gains::trained : WeightNormLinear::Gains::fixed) {
  // PyTorch's Sequential numbers its GELUs, too.
  int number = 0;
  const auto add = [&](Linear& linear, std::unique_ptr<BatchNorm>* norm) {
    mlp_.add_child(std::to_string(number++), linear);
    if (norm && options.batch_norm) {
      *norm = std::make_unique<BatchNorm>(options.hidden);
      mlp_.add_child(std::to_string(number++), **norm);
    }
    ++number;
  };
  add(first_, &first_norm_);
  add(second_, &second_norm_);
  add(third_, nullptr);
  add_child("mlp", mlp_);
  add_child("last_layer", last_layer_);
}

Variable DinoHead::raw(const Variable& features) {
  const Variable hidden = activated(first_.forward(features), first_norm_);
  return third_.forward(activated(second_.forward(hidden), second_norm_));
}

DinoHead::Output DinoHead::forward(const Variable& features) {
  Output out{raw(features), {}, {}};
  out.bottleneck = normalize(out.raw);
  out.logits = last_layer_.forward(out.bottleneck);
  return out;
}

}  // namespace minissl
