#pragma once
#include <functional>
#include <string>

#include "autograd/variable.h"
#include "formats/safetensors.h"

namespace minissl {

/// A step's named tensors and loss terms, under the names in the method's paper.
class StepLog {
 public:
  enum class Keep { terms, everything };
  explicit StepLog(Keep keep = Keep::terms) : keep_(keep) {}

  void tensor(const std::string& name, const Variable& value);
  /// A tensor that training doesn't need: computed only if everything is kept. `watched`, which contains a NaN or an
  /// infinity whenever the tensor does, is watched instead.
  void tensor_to_inspect(const std::string& name, const Tensor& watched, const std::function<Tensor()>& compute);
  /// A term of the loss, before weighting.
  void term(const std::string& name, const Variable& value);

  /// Whether tensors are kept, so that those for inspection alone are worth computing.
  bool keeps_everything() const { return keep_ == Keep::everything; }
  const NamedTensors& tensors() const { return tensors_; }
  /// The terms (1), on the device.
  const NamedTensors& terms() const { return terms_; }
  /// One for every logged value, in the same order, f64 (1) on the device: finite if all the value's elements are.
  const NamedTensors& squared_norms() const { return squared_norms_; }

 private:
  void watch(const std::string& name, const Tensor& value);

  Keep keep_;
  NamedTensors terms_, squared_norms_, tensors_;
};

}  // namespace minissl
