#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "tensor/ops/convolution.h"

/// What is kept for backward and what is made again, part by part. The parts of a network (ResNet: its stem and its
/// blocks) form a chain: each one's output is the next one's input, and in a method with two recorded views the second
/// view's parts come after the first's.
namespace minissl {

/// What of a part is kept; what is not is made again where backward needs it.
struct Keep {
  uint32_t convolutions = ~0U;  ///< bit i: what the i-th convolution of the part gives
  bool output = true;           ///< the input of the next part
};

/// What to keep of each part of a chain.
class RecomputePlan {
 public:
  enum class Policy {
    all,    ///< everything is kept
    none,   ///< no convolution is made again: of each part what its convolutions give, of each stage its input
    stage,  ///< of each stage its input
    block,  ///< of each part its input
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

/// What a recorded part turned out to be made of.
struct PartRecord {
  struct Convolution {
    Shape x, w, y;
    ops::ConvolutionGeometry geometry;
    bool reads_input;  ///< of the part, not what another convolution gave
  };
  std::string name;  ///< "layer1.0"
  bool ends_stage = false;
  std::vector<Convolution> convolutions;
  Shape output;
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

/// f() under a plan.
template <class F>
decltype(auto) with_plan(const RecomputePlan& plan, F&& f) {
  const PlanScope scope(plan);
  return f();
}

/// While it lives, what this thread records belongs to one part. Where nothing is recorded, it is no part of the chain.
class PartScope {
 public:
  PartScope(const std::string& name, const Variable& input, bool ends_stage);
  ~PartScope();
  PartScope(const PartScope&) = delete;
  PartScope& operator=(const PartScope&) = delete;

  /// Whether what the next convolution gives, y from x and w, is kept. Outside any part it is.
  static bool keeps_convolution(const Variable& x, const Shape& w, const Shape& y, ops::ConvolutionGeometry geometry);
  /// Whether the part's output is kept.
  static bool keeps_output(const Shape& output);
  /// The part's place in the chain, counted from 0; -1 outside.
  static int index();

 private:
  int index_ = -1;
  const Storage* input_;
  Keep keep_;
  PartScope* previous_;
  static inline thread_local PartScope* active_ = nullptr;
};

}  // namespace minissl
