#pragma once
#include <functional>
#include <string>

#include "autograd/variable.h"
#include "formats/safetensors.h"

namespace minissl {

/// What a step shows of itself: its named tensors and the terms of its loss, under the names of the method's paper.
class StepLog {
 public:
  enum class Keep { terms, everything };
  explicit StepLog(Keep keep = Keep::terms) : keep_(keep) {}

  void tensor(const std::string& name, const Variable& value);
  /// A tensor that training does without: computed only where everything is kept. `watched`, which contains a NaN or an
  /// infinity wherever the tensor does, is looked at in its place.
  void tensor_to_inspect(const std::string& name, const Tensor& watched, const std::function<Tensor()>& compute);
  /// A term of the loss, before its weight.
  void term(const std::string& name, const Variable& value);

  const NamedTensors& tensors() const { return tensors_; }
  /// The terms (1), on the device.
  const NamedTensors& terms() const { return terms_; }
  /// Of everything that was logged, in that order, f64 (1) on the device: finite where all its elements are.
  const NamedTensors& squared_norms() const { return squared_norms_; }

 private:
  void watch(const std::string& name, const Tensor& value);

  Keep keep_;
  NamedTensors terms_, squared_norms_, tensors_;
};

}  // namespace minissl
