#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

class Variable;

/// Recomputes a tensor, bit for bit, from those it was computed from.
using Recipe = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// How often a tensor is recomputed, and how long it lives then.
enum class Recompute {
  each_use,  ///< cheap: for each use, and dropped after it
  once       ///< expensive: at the first use, and kept until the last
};

class Recomputed;

/// A tensor that backward will read: kept, or recomputed when its turn comes. A handle: copies mean the same tensor.
class Saved {
 public:
  Saved() = default;
  Saved(Tensor tensor);             // NOLINT(google-explicit-constructor): tensors are what is saved
  Saved(const Variable& variable);  // NOLINT(google-explicit-constructor): by its recipe if it has one

  bool defined() const { return tensor_.defined() || recomputed_ != nullptr; }
  /// The tensor, recomputed where it was not kept. `reader` names the operation that asks. Throws Error when it, or
  /// anything that it is computed from, was written to since; when the recomputed tensor has another shape or type than
  /// the first; in debug builds also when any bit differs.
  Tensor get(const char* reader) const;
  /// Of the tensor, kept or not; undefined: rank 0, f32.
  Shape shape() const;
  DType dtype() const;
  /// The tensor if it is kept, else undefined.
  const Tensor& kept() const { return tensor_; }
  /// What takes its place if it is not kept, else null.
  const std::shared_ptr<Recomputed>& recomputed() const { return recomputed_; }

 private:
  Tensor tensor_;
  uint64_t version_ = 0;  // of its storage when it was saved
  std::shared_ptr<Recomputed> recomputed_;
};

/// What takes the place of a tensor that is not kept.
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

/// How a tensor could be recomputed, if somebody decides that it is not kept.
struct RecomputeOffer {
  std::vector<Saved> inputs;
  Recipe recipe;
};

}  // namespace minissl
