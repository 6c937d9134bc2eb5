#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "autograd/variable.h"

/// What is kept for backward and what is recomputed, part by part.
///
/// The parts of a network (a ResNet's stem and blocks) form a chain: the output of each is the input of the next, and
/// in a method with two recorded views the second view's parts come after the first's. A part contains products
/// (results of any operation that are expensive to compute) and cheap results between them. Cheap results are never
/// kept: each use recomputes them. A plan says which products, and whether the part's output, are kept.
namespace minissl {

/// Which results of a part are kept; backward recomputes the rest.
struct Keep {
  uint32_t products = ~0U;  ///< bit i: the part's i-th product
  bool output = true;       ///< the input of the next part
};

/// What to keep of each part of a chain.
class RecomputePlan {
 public:
  enum class Policy {
    all,    ///< everything is kept
    none,   ///< no product is recomputed: each part keeps its products and each stage its input
    stage,  ///< each stage keeps its input
    block,  ///< each part keeps its input
    chain   ///< as `chain` says
  };

  RecomputePlan() = default;
  explicit RecomputePlan(Policy policy) : policy_(policy) {}
  explicit RecomputePlan(std::vector<Keep> chain) : policy_(Policy::chain), chain_(std::move(chain)) {}

  Policy policy() const { return policy_; }
  const std::vector<Keep>& chain() const { return chain_; }
  /// For the part at `index` in the chain. Throws Error if the plan's chain has fewer parts.
  Keep keep(size_t index, bool ends_stage) const;

 private:
  Policy policy_ = Policy::all;
  std::vector<Keep> chain_;
};

/// A result that a plan may leave to recomputation.
struct Product {
  struct Input {
    Shape shape;
    DType dtype = DType::f32;
  };
  const char* operation = "";
  Shape shape;  ///< rank 0: there is none
  DType dtype = DType::f32;
  double flops = 0;           ///< multiplications and additions needed to recompute it
  uint32_t sources = 0;       ///< bit i: computed from the part's i-th product; 0: from the part's input alone
  std::vector<Input> inputs;  ///< the arguments of `recipe`
  Recipe recipe;

  int64_t bytes() const { return shape.rank() > 0 ? shape.numel() * static_cast<int64_t>(size_of(dtype)) : 0; }
};

/// The contents of a recorded part.
struct PartRecord {
  std::string name;  ///< "layer1.0"
  bool ends_stage = false;
  std::vector<Product> products;
  Product output;
  int64_t naive = 0;  ///< bytes that would be kept if each operation saved its input
};

/// During its lifetime, this thread's parts are counted, and kept as the plan says. One per forward pass of a method.
class PlanScope {
 public:
  /// The plan must outlive it.
  explicit PlanScope(const RecomputePlan& plan) : plan_(plan), previous_(active_) { active_ = this; }
  ~PlanScope() { active_ = previous_; }
  PlanScope(const PlanScope&) = delete;
  PlanScope& operator=(const PlanScope&) = delete;
  static PlanScope* active() { return active_; }

  /// The parts recorded so far.
  const std::vector<PartRecord>& parts() const { return parts_; }

 private:
  friend class PartScope;
  const RecomputePlan& plan_;
  std::vector<PartRecord> parts_;
  PlanScope* previous_;
  static inline thread_local PlanScope* active_ = nullptr;
};

/// During its lifetime, operations that this thread records belong to one part. Without recording, it adds no part to
/// the chain.
class PartScope {
 public:
  PartScope(const std::string& name, bool ends_stage);
  ~PartScope();
  PartScope(const PartScope&) = delete;
  PartScope& operator=(const PartScope&) = delete;

  /// Declares y the part's output, and returns it. If the plan does not keep it, it is recomputed by the recipe that
  /// its operation offered (Variable::offer_recipe); without an offer, y is returned unchanged. A product that is the
  /// part's output is no longer one of its products.
  Variable output(Variable y);

  /// The current part's index in the chain, from 0; -1 outside.
  static int index();

 private:
  friend void product(Variable&, double, std::vector<Saved>, Recipe);
  friend void count_naively(const Variable&, int64_t);
  static PartScope* recording() { return active_ != nullptr && active_->index_ >= 0 ? active_ : nullptr; }
  /// Whether y is the part's latest product itself, not computed from it.
  bool is_last_product(const Variable& y) const;
  PartRecord& record() const { return PlanScope::active()->parts_[static_cast<size_t>(index_)]; }

  int index_ = -1;
  Keep keep_;
  std::set<const Node*> counted_;  // in PartRecord::naive
  PartScope* previous_;
  static inline thread_local PartScope* active_ = nullptr;
};

/// Declares y expensive to compute. It is kept, unless the part's plan has backward recompute it: once, from `inputs`
/// by `recipe`.
void product(Variable& y, double flops, std::vector<Saved> inputs, Recipe recipe);

/// Adds an operation's input to PartRecord::naive the first time an operation of the part reads it, plus `more` bytes
/// that the operation would also keep. Constants don't count: they exist anyway.
void count_naively(const Variable& input, int64_t more = 0);

}  // namespace minissl
