#pragma once
#include <cstdint>
#include <utility>

#include "tensor/tensor.h"

namespace minissl {

/// Floats that a kernel allocates while it runs, taken one piece after another. Memory of each thread is allocated for
/// all threads, whether they run at the same time or not, so that a step's memory does not depend on timing.
class Workspace {
 public:
  explicit Workspace(int64_t floats) : all_(Tensor::empty({floats})), next_(all_.mutable_data<float>()) {}
  float* take(int64_t floats) { return std::exchange(next_, next_ + floats); }

 private:
  Tensor all_;
  float* next_;
};

}  // namespace minissl
