#pragma once
#include "nn/module.h"

namespace minissl {

/// The parameters of a module, moved into one flat tensor, each aligned to 64 bytes, so that the optimizer, the
/// gradient norm and the momentum encoder each take one pass over memory. The module's parameters become views. Padding
/// stays zero. The bf16 copies of weights become views of one copy.
class ParameterArena {
 public:
  struct Segment {
    std::string name;
    Shape shape;
    int64_t offset;  ///< in elements
  };

  enum class Gradients { kept, none };
  /// The module must outlive the arena and must not be converted to another type while it does.
  explicit ParameterArena(Module& module, Gradients gradients = Gradients::kept);

  const Tensor& values() const { return values_; }        ///< 1-D
  const Tensor& gradients() const { return gradients_; }  ///< 1-D, or undefined
  const std::vector<Segment>& segments() const { return segments_; }
  /// The converted copy of the values up to the last parameter that may have one. Code that writes values may also
  /// write the copy and call mark_current().
  ConvertedCopy& converted() const { return *converted_; }
  void zero_gradients() const;

 private:
  std::vector<Segment> segments_;
  Tensor values_, gradients_;
  std::shared_ptr<ConvertedCopy> converted_ = std::make_shared<ConvertedCopy>();
};

}  // namespace minissl
