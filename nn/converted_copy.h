#pragma once
#include "tensor/tensor.h"

namespace minissl {

/// Parameters in another type (bf16, for convolutions of bf16 images), converted again when they were written to since,
/// or replaced. A module has one of its own until an arena takes its parameters: then those of the whole arena share
/// one and are converted at once, by whoever writes the parameters where that can be (nn/optimizer.h).
class ConvertedCopy {
 public:
  /// From now on copies the parameters that are views of this tensor.
  void cover(const Tensor& parameters);
  /// A parameter's elements in `type`.
  Tensor of(const Tensor& parameter, DType type);

  /// What was converted last, for writing along with the parameters; undefined before anyone has asked.
  const Tensor& tensor() const { return copy_; }
  /// Says that the copy was written along.
  void mark_current();
  /// Converts again what was written to since; nothing before anyone has asked.
  void refresh();

 private:
  void convert();

  Tensor parameters_, copy_;
  uint64_t version_ = 0;
};

}  // namespace minissl
