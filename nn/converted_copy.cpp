#include "nn/converted_copy.h"

#include "tensor/ops/cast.h"

namespace minissl {

void ConvertedCopy::cover(const Tensor& parameters) {
  parameters_ = parameters;
  copy_ = {};
}

Tensor ConvertedCopy::of(const Tensor& parameter, DType type) {
  if (parameter.storage() != parameters_.storage()) cover(parameter);
  if (copy_.defined() && copy_.dtype() == type) {
    refresh();
  } else {
    {
      const TagScope tag(MemoryTag::parameter);
      copy_ = Tensor::empty(parameters_.shape(), type, parameters_.device());
    }
    convert();
  }
  return copy_.slice(parameter.offset() - parameters_.offset(), parameter.shape());
}

void ConvertedCopy::mark_current() {
  if (copy_.defined()) version_ = parameters_.storage()->version();
}

void ConvertedCopy::refresh() {
  if (copy_.defined() && version_ != parameters_.storage()->version()) convert();
}

void ConvertedCopy::convert() {
  run(ops::Cast{parameters_, copy_});
  mark_current();
}

}  // namespace minissl
