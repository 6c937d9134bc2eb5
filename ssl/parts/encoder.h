#pragma once
#include <memory>
#include <string>

#include "nn/backbone.h"
#include "nn/layers.h"

namespace minissl {

/// A backbone with a head in place of torchvision's `fc`: Linear ("fc") or Linear, ReLU, Linear ("fc.0", "fc.2").
class Encoder : public Module {
 public:
  enum class Head { mlp, linear };

  Encoder(std::unique_ptr<Backbone> backbone, Head head, int64_t dim);

  struct Output {
    Variable features;    ///< (N, D)
    Variable projection;  ///< (N, dim), not normalised
  };
  Output forward(const Variable& images);
  Backbone& backbone() { return *backbone_; }

 private:
  std::unique_ptr<Backbone> backbone_;
  Module fc_;
  std::unique_ptr<Linear> hidden_, out_;
};

/// Throws Error for an unknown name.
Encoder::Head parse_head(const std::string& name);

}  // namespace minissl
