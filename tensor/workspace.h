#pragma once
#include <cstdint>
#include <utility>

#include "tensor/tensor.h"

namespace minissl {

/// Floats that a kernel takes for itself while it runs, handed out one after the other. What each thread has is there
/// for as many as take part, whether they run at the same time or not: a step's memory does not depend on it.
class Workspace {
 public:
  explicit Workspace(int64_t floats) : all_(Tensor::empty({floats})), next_(all_.mutable_data<float>()) {}
  float* take(int64_t floats) { return std::exchange(next_, next_ + floats); }

 private:
  Tensor all_;
  float* next_;
};

}  // namespace minissl
