#pragma once
#include "nn/arena.h"
#include "ssl/method.h"
#include "tensor/number.h"

namespace minissl {

/// The momentum m of a momentum encoder: target = m target + (1 - m) online, once per optimizer step.
struct MomentumSchedule {
  double start = 0.999;
  double end = 0;  ///< 0: m is constant; else a cosine from start to end over the run (Grill et al. 2020)

  void visit(OptionVisitor& visitor);
  /// Throws Error unless both are within 0 and 1.
  void check() const;
  double at(const StepPosition& position) const;
};

/// A step's momentum, in memory that an update in a CUDA graph can read.
class Momentum {
 public:
  /// Throws Error for an invalid schedule.
  Momentum(const MomentumSchedule& schedule, Device device);
  void set(const StepPosition& position) { value_.fill(schedule_.at(position)); }
  /// target = m target + (1 - m) source, and the target's copy in bf16.
  void update(const ParameterArena& target, const Tensor& source) const;
  /// For an optimizer that does the same in its update.
  Number value() const { return value_; }

 private:
  MomentumSchedule schedule_;
  Tensor value_;
};

}  // namespace minissl
