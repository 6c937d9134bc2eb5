#pragma once
#include <utility>

#include "tensor/tensor.h"

namespace minissl {

/// A number that an operation takes. Either the host knows it when it calls the operation, or it is the element of an
/// f64 tensor (1) on the operation's device, read when the operation runs. The second kind can change between launches
/// of a CUDA graph, as a learning rate does, or be a result that the host never sees.
class Number {
 public:
  Number(double value) : value_(value) {}                // NOLINT(google-explicit-constructor): numbers are numbers
  Number(Tensor tensor) : tensor_(std::move(tensor)) {}  // NOLINT(google-explicit-constructor)

  /// For kernels on the CPU.
  double value() const { return tensor_.defined() ? *tensor_.data<double>() : value_; }
  /// For kernels on a GPU: the tensor, or, where that is undefined, the value.
  const Tensor& tensor() const { return tensor_; }
  double value_on_host() const { return value_; }

 private:
  double value_ = 0;
  Tensor tensor_;
};

}  // namespace minissl
