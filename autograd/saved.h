#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

class Variable;

/// Makes a tensor again, bit for bit, from those it was made of.
using Recipe = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// How long a tensor that was made again lives.
enum class Redo {
  each_use,  ///< cheap: made for each use and dropped after it
  once       ///< expensive: made at the first use, kept until the last
};

class Remade;

/// A tensor that backward will read: kept, or made again when its turn comes. A handle: copies mean the same tensor.
class Saved {
 public:
  Saved() = default;
  Saved(Tensor tensor);             // NOLINT(google-explicit-constructor): tensors are what is saved
  Saved(const Variable& variable);  // NOLINT(google-explicit-constructor): by its recipe if it has one

  bool defined() const { return tensor_.defined() || remade_ != nullptr; }
  /// The tensor, made again where it was not kept. `reader` names the operation that asks. Throws Error when it, or
  /// anything that it is made of, was written to since; when what is made has another shape or type than it had; in
  /// debug builds also when any bit differs.
  Tensor get(const char* reader) const;
  /// The tensor if it is kept, else undefined.
  const Tensor& kept() const { return tensor_; }
  /// What takes its place if it is not kept, else null.
  const std::shared_ptr<Remade>& remade() const { return remade_; }

 private:
  Tensor tensor_;
  uint64_t version_ = 0;  // of its storage when it was saved
  std::shared_ptr<Remade> remade_;
};

/// What takes the place of a tensor that is not kept.
class Remade {
 public:
  Remade(const Tensor& original, Redo redo, std::vector<Saved> inputs, Recipe recipe);
  Remade(const Remade&) = delete;
  Remade& operator=(const Remade&) = delete;

  Tensor get(const char* reader);
  const std::vector<Saved>& inputs() const { return inputs_; }

 private:
  void check(const Tensor& again, const char* reader) const;

  Shape shape_;
  DType dtype_;
  uint64_t digest_;  // of the original's bytes, in debug builds
  Redo redo_;
  std::vector<Saved> inputs_;
  Recipe recipe_;
  Tensor again_;
};

}  // namespace minissl
