#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "autograd/variable.h"

/// What is kept for backward and what is recomputed, part by part.
///
/// The parts of a network (a ResNet's stem and blocks) form a chain: the output of each is the input of the next, and
/// in a method with two recorded views the second view's parts come after the first's. A part contains products, the
/// results that are expensive to compute, of whatever operation, and cheap results between them. Cheap results are
/// never kept: each use recomputes them. A plan says which products, and whether the part's output, are kept.
namespace minissl {

/// What of a part is kept; backward recomputes the rest.
struct Keep {
  uint32_t products = ~0U;  ///< bit i: the part's i-th product
  bool output = true;       ///< the input of the next part
};

/// What to keep of each part of a chain.
class RecomputePlan {
 public:
  enum class Policy {
    all,    ///< everything is kept
    none,   ///< no product is recomputed: each part keeps its products, each stage its input
    stage,  ///< each stage keeps its input
    block,  ///< each part keeps its input
    chain   ///< as `chain` says
  };

  RecomputePlan() = default;
  explicit RecomputePlan(Policy policy) : policy_(policy) {}
  explicit RecomputePlan(std::vector<Keep> chain) : policy_(Policy::chain), chain_(std::move(chain)) {}

  Policy policy() const { return policy_; }
  const std::vector<Keep>& chain() const { return chain_; }
  /// Of the part at `index` in the chain. Throws Error when a chain was planned for fewer parts.
  Keep keep(size_t index, bool ends_stage) const;

 private:
  Policy policy_ = Policy::all;
  std::vector<Keep> chain_;
};

/// A result that a plan may have recomputed.
struct Product {
  struct Input {
    Shape shape;
    DType dtype = DType::f32;
  };
  const char* operation = "";
  Shape shape;  ///< rank 0: there is none
  DType dtype = DType::f32;
  double flops = 0;           ///< multiplications and additions that recomputing it takes
  uint32_t sources = 0;       ///< bit i: it is computed from the part's i-th product; 0: from the part's input alone
  std::vector<Input> inputs;  ///< what `recipe` takes
  Recipe recipe;

  int64_t bytes() const { return shape.rank() > 0 ? shape.numel() * static_cast<int64_t>(size_of(dtype)) : 0; }
};

/// What a recorded part turned out to consist of.
struct PartRecord {
  std::string name;  ///< "layer1.0"
  bool ends_stage = false;
  std::vector<Product> products;
  Product output;
  int64_t naive = 0;  ///< bytes that an autograd keeps which has each operation save its input
};

/// While it lives, this thread's parts are counted and kept as the plan says. One for each forward pass of a method.
class PlanScope {
 public:
  /// The plan must outlive it.
  explicit PlanScope(const RecomputePlan& plan) : plan_(plan), previous_(active_) { active_ = this; }
  ~PlanScope() { active_ = previous_; }
  PlanScope(const PlanScope&) = delete;
  PlanScope& operator=(const PlanScope&) = delete;
  static PlanScope* active() { return active_; }

  /// The parts that were recorded so far.
  const std::vector<PartRecord>& parts() const { return parts_; }

 private:
  friend class PartScope;
  const RecomputePlan& plan_;
  std::vector<PartRecord> parts_;
  PlanScope* previous_;
  static inline thread_local PlanScope* active_ = nullptr;
};

/// While it lives, what this thread records belongs to one part. Where nothing is recorded, it is no part of the chain.
class PartScope {
 public:
  PartScope(const std::string& name, bool ends_stage);
  ~PartScope();
  PartScope(const PartScope&) = delete;
  PartScope& operator=(const PartScope&) = delete;

  /// Says that y is the part's output, and returns it. Where the plan does not keep it, it is recomputed by the recipe
  /// that its operation offered (Variable::offer_recipe); where none was offered, it is what it was.
  Variable output(Variable y);

  /// The part's place in the chain, counted from 0; -1 outside.
  static int index();

 private:
  friend void product(Variable&, double, std::vector<Saved>, Recipe);
  friend void count_naively(const Variable&, int64_t);
  static PartScope* recording() { return active_ != nullptr && active_->index_ >= 0 ? active_ : nullptr; }
  PartRecord& record() const { return PlanScope::active()->parts_[static_cast<size_t>(index_)]; }

  int index_ = -1;
  Keep keep_;
  std::set<const Node*> counted_;  // in PartRecord::naive
  PartScope* previous_;
  static inline thread_local PartScope* active_ = nullptr;
};

/// Says that y is expensive to compute. It is kept, except in a part whose plan says that backward recomputes it: once,
/// from `inputs` by `recipe`.
void product(Variable& y, double flops, std::vector<Saved> inputs, Recipe recipe);

/// Adds the input of an operation to PartRecord::naive, the first time that an operation of the part reads it, and
/// `more` bytes that the operation would keep besides. Constants don't count: they are there anyway.
void count_naively(const Variable& input, int64_t more = 0);

/// f() under a plan.
template <class F>
decltype(auto) with_plan(const RecomputePlan& plan, F&& f) {
  const PlanScope scope(plan);
  return f();
}

}  // namespace minissl
