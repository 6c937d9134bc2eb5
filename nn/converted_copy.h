#pragma once
#include "tensor/tensor.h"

namespace minissl {

/// Parameters in another type (bf16, for what meets bf16 activations), converted again after they were written to or
/// replaced. A module has one of its own until an arena takes its parameters: then those of the whole arena share
/// one and are converted at once, in the optimizer's pass where there is one (nn/optimizer.h).
class ConvertedCopy {
 public:
  /// From now on copies the parameters that are views of this tensor.
  void cover(const Tensor& parameters);
  /// A parameter's elements in `type`.
  Tensor of(const Tensor& parameter, DType type);

  /// The copy, to be written together with the parameters; undefined before the first call of of().
  const Tensor& tensor() const { return copy_; }
  /// Says that the copy was written together with the parameters.
  void mark_current();
  /// Converts again if the parameters were written to; does nothing before the first call of of().
  void refresh();

 private:
  void convert();

  Tensor parameters_, copy_;
  uint64_t version_ = 0;
};

}  // namespace minissl
