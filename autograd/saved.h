#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

class Variable;

/// Recomputes a tensor, bit for bit, from its inputs.
using Recipe = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// How often a tensor is recomputed, and how long the result lives.
enum class Recompute {
  each_use,  ///< cheap: recomputed for each use and freed after it
  once       ///< expensive: recomputed at the first use and kept until the last
};

class Recomputed;

/// A tensor that backward will read: kept, or recomputed on demand. A handle: copies share the tensor.
class Saved {
 public:
  Saved() = default;
  Saved(Tensor tensor);             // NOLINT(google-explicit-constructor): tensors are saved as they are
  Saved(const Variable& variable);  // NOLINT(google-explicit-constructor): saves the recipe if there is one

  bool defined() const { return tensor_.defined() || recomputed_ != nullptr; }
  /// The tensor, recomputed if it was not kept. `reader` names the operation that asks. Throws Error if it, or anything
  /// it is computed from, has been written to since; if the recomputed tensor has a different shape or type; in debug
  /// builds also if any bit differs.
  Tensor get(const char* reader) const;
  /// Shape and type of the tensor, kept or not; undefined: rank 0, f32.
  Shape shape() const;
  DType dtype() const;
  /// The tensor if it is kept, else undefined.
  const Tensor& kept() const { return tensor_; }
  /// Its replacement if it is not kept, else null.
  const std::shared_ptr<Recomputed>& recomputed() const { return recomputed_; }

 private:
  Tensor tensor_;
  uint64_t version_ = 0;  // of its storage when it was saved
  std::shared_ptr<Recomputed> recomputed_;
};

/// The replacement of a tensor that is not kept.
class Recomputed {
 public:
  Recomputed(const Tensor& original, Recompute lifetime, std::vector<Saved> inputs, Recipe recipe);
  Recomputed(const Recomputed&) = delete;
  Recomputed& operator=(const Recomputed&) = delete;

  Tensor get(const char* reader);
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  const std::vector<Saved>& inputs() const { return inputs_; }

 private:
  void check(const Tensor& again, const char* reader) const;

  Shape shape_;
  DType dtype_;
  uint64_t digest_;  // of the original's bytes, in debug builds
  Recompute lifetime_;
  std::vector<Saved> inputs_;
  Recipe recipe_;
  Tensor again_;
};

/// How to recompute a tensor, in case it is not kept.
struct RecomputeOffer {
  std::vector<Saved> inputs;
  Recipe recipe;
};

}  // namespace minissl
