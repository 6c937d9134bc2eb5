#include "ssl/parts/encoder.h"

namespace minissl {

Encoder::Encoder(std::unique_ptr<Backbone> backbone, Head head, int64_t dim) : backbone_(std::move(backbone)) {
  const int64_t features = backbone_->features();
  out_ = std::make_unique<Linear>(features, dim);
  add_child("", *backbone_);
  if (head == Head::mlp) {
    hidden_ = std::make_unique<Linear>(features, features);
    fc_.add_child("0", *hidden_);
    fc_.add_child("2", *out_);
    add_child("fc", fc_);
  } else {
    add_child("fc", *out_);
  }
}

Encoder::Output Encoder::forward(const Variable& images) {
  const Variable features = backbone_->forward(images);
  const Variable hidden = hidden_ ? relu(hidden_->forward(features)) : features;
  return {features, out_->forward(hidden)};
}

Encoder::Head parse_head(const std::string& name) {
  if (name == "mlp") return Encoder::Head::mlp;
  if (name == "linear") return Encoder::Head::linear;
  fail("`head` {} is not known; there are mlp and linear", name);
}

}  // namespace minissl
