#pragma once
#include <memory>
#include <string>

#include "nn/resnet.h"

namespace minissl {

/// A backbone and, in the place of torchvision's `fc`, a head: Linear ("fc") or Linear, ReLU, Linear ("fc.0", "fc.2").
class Encoder : public Module {
 public:
  enum class Head { mlp, linear };

  Encoder(const ResNetOptions& options, Head head, int64_t dim);

  struct Output {
    Variable features;    ///< (N, D)
    Variable projection;  ///< (N, dim), not normalised
  };
  Output forward(const Variable& images);
  ResNet& backbone() { return backbone_; }

 private:
  ResNet backbone_;
  Module fc_;
  std::unique_ptr<Linear> hidden_, out_;
};

/// Throws Error for an unknown name.
Encoder::Head parse_head(const std::string& name);

}  // namespace minissl
