#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autograd/saved.h"
#include "tensor/tensor.h"

namespace minissl {

class Node;

/// A tensor with a place in the graph: it remembers how it was made, so that backward() can find the gradients of the
/// leaves it depends on. A Variable is a handle: copies share the value and the place.
class Variable {
 public:
  Variable() = default;
  /// A constant: nothing flows back into it.
  Variable(Tensor value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): constants are tensors
  /// A leaf whose gradient is wanted, such as a parameter.
  static Variable leaf(Tensor value);

  bool defined() const { return value_.defined(); }
  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  bool requires_grad() const { return node_ != nullptr; }

  /// For a leaf: the gradient that backward() has accumulated since the last reset; undefined before the first call.
  const Tensor& grad() const;
  /// For a leaf: later gradients are added to `grad` (undefined: to a new tensor).
  void set_grad(Tensor grad);
  /// For a leaf: replaces the value (shape and type may change).
  void set_value(Tensor value) { value_ = std::move(value); }

  const std::shared_ptr<Node>& node() const { return node_; }

  /// From now on, saving this Variable for backward saves the recipe instead of the value, which may be freed. Does
  /// nothing for a constant.
  void recompute_by(Recompute lifetime, std::vector<Saved> inputs, Recipe recipe);
  /// Undoes recompute_by.
  void keep() { recomputed_.reset(); }
  const std::shared_ptr<Recomputed>& recomputed() const { return recomputed_; }
  /// Says how to recompute this Variable should it become the output of a part (recompute.h). Has no effect until then,
  /// and none outside a part.
  void offer_recipe(std::vector<Saved> inputs, Recipe recipe);
  /// Null if none was made.
  const RecomputeOffer* offer() const { return offer_.get(); }

 private:
  friend Variable record(const char*, std::vector<Variable>, Tensor, std::vector<Saved>,
                         std::function<std::vector<Tensor>(const Tensor&, const class BackwardContext&)>);
  Tensor value_;
  std::shared_ptr<Node> node_;
  std::shared_ptr<Recomputed> recomputed_;
  std::shared_ptr<const RecomputeOffer> offer_;
};

/// The saved tensors and wanted gradients, for a derivative.
class BackwardContext {
 public:
  explicit BackwardContext(const Node& node) : node_(node) {}
  /// The i-th saved tensor, recomputed if it was not kept (Saved::get). Throws Error if it has been written to since.
  Tensor saved(size_t i) const;
  /// Whether the gradient with respect to input i is wanted; if not, the derivative leaves it undefined.
  bool needs(size_t i) const;

 private:
  const Node& node_;
};

/// Maps the gradient dy of an operation's output to the gradients of its inputs, in their order.
using Derivative = std::function<std::vector<Tensor>(const Tensor& dy, const BackwardContext&)>;

/// Puts an operation into the graph: its output as a Variable that depends on `inputs`. `saved` are the tensors that
/// its derivative reads: a Variable if it may be recomputed, a Tensor if it must be kept. If no input requires a
/// gradient, or within NoGradScope, the output is a constant and nothing is kept.
Variable record(const char* operation, std::vector<Variable> inputs, Tensor output, std::vector<Saved> saved,
                Derivative derivative);

/// Whether an operation on these inputs would be recorded.
bool will_record(const std::vector<Variable>& inputs);

/// Adds d root / d leaf to the gradient of every leaf that root, a scalar, depends on. Saved tensors are freed on the
/// way, so a second call on the same graph throws Error; so does a saved tensor that has been written to since.
void backward(const Variable& root);
/// The same for a root of any shape: gradients of sum(cotangent * root).
void backward(const Variable& root, const Tensor& cotangent);

/// During its lifetime, this thread's operations are not recorded.
class NoGradScope {
 public:
  NoGradScope() : previous_(active_) { active_ = true; }
  ~NoGradScope() { active_ = previous_; }
  NoGradScope(const NoGradScope&) = delete;
  NoGradScope& operator=(const NoGradScope&) = delete;
  static bool active() { return active_; }

 private:
  bool previous_;
  static inline thread_local bool active_ = false;
};

/// f() without recording.
template <class F>
decltype(auto) no_grad(F&& f) {
  const NoGradScope scope;
  return f();
}

/// Operations are pure; modules post their side effects (running averages) here. The effect runs at once, except within
/// MutedEffectsScope, which is for repeating a forward pass whose effects have already run.
void side_effect(const std::function<void()>& effect);

class MutedEffectsScope {
 public:
  MutedEffectsScope() : previous_(active_) { active_ = true; }
  ~MutedEffectsScope() { active_ = previous_; }
  MutedEffectsScope(const MutedEffectsScope&) = delete;
  MutedEffectsScope& operator=(const MutedEffectsScope&) = delete;
  static bool active() { return active_; }

 private:
  bool previous_;
  static inline thread_local bool active_ = false;
};

}  // namespace minissl
