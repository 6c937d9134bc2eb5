#pragma once
#include "tensor/tensor.h"

namespace minissl {

/// Parameters in another type (bf16, for use with bf16 activations), converted again after each change. A module has
/// its own copy until an arena takes its parameters; the whole arena then shares one copy, converted all at once, in
/// the optimizer's pass if there is one (nn/optimizer.h).
class ConvertedCopy {
 public:
  /// From now on, copies parameters that are views of this tensor.
  void cover(const Tensor& parameters);
  /// A parameter's elements in `type`.
  Tensor of(const Tensor& parameter, DType type);

  /// The copy, for code that writes it together with the parameters; undefined before the first call of of().
  const Tensor& tensor() const { return copy_; }
  /// Call after writing the copy together with the parameters.
  void mark_current();
  /// Converts again if the parameters have changed; does nothing before the first call of of().
  void refresh();

 private:
  void convert();

  Tensor parameters_, copy_;
  uint64_t version_ = 0;
};

}  // namespace minissl
