#pragma once
#include <utility>

#include "tensor/tensor.h"

namespace minissl {

/// A number that an operation takes: one that the host knows when it asks for the operation, or the element of an f64
/// tensor (1) on the operation's device, whose value counts when the operation runs. The second kind may change between
/// the launches of a CUDA graph, such as a learning rate, or be a result that the host never sees.
class Number {
 public:
  Number(double value) : value_(value) {}                // NOLINT(google-explicit-constructor): numbers are numbers
  Number(Tensor tensor) : tensor_(std::move(tensor)) {}  // NOLINT(google-explicit-constructor)

  /// For kernels on the CPU.
  double value() const { return tensor_.defined() ? *tensor_.data<double>() : value_; }
  /// For kernels on a GPU: where it is, or undefined, and then its value.
  const Tensor& tensor() const { return tensor_; }
  double value_on_host() const { return value_; }

 private:
  double value_ = 0;
  Tensor tensor_;
};

}  // namespace minissl
