#pragma once
#include "nn/arena.h"
#include "ssl/method.h"
#include "tensor/number.h"

namespace minissl {

/// How slowly a momentum encoder follows: target = m target + (1 - m) online, once for each optimizer step.
struct MomentumSchedule {
  double start = 0.999;
  double end = 0;  ///< 0: m stays; else it goes from start to end over the run, along a cosine (Grill et al. 2020)

  void visit(OptionVisitor& visitor);
  /// Throws Error unless both are within 0 and 1.
  void check() const;
  double at(const StepPosition& position) const;
};

/// A step's momentum, where an update that is part of a CUDA graph can read it.
class Momentum {
 public:
  /// Throws Error unless the schedule is one.
  Momentum(const MomentumSchedule& schedule, Device device);
  void set(const StepPosition& position) { value_.fill(schedule_.at(position)); }
  /// target = m target + (1 - m) source, and the target's copy in bf16.
  void update(const ParameterArena& target, const Tensor& source) const;
  /// For an optimizer, which does the same in its update.
  Number value() const { return value_; }

 private:
  MomentumSchedule schedule_;
  Tensor value_;
};

}  // namespace minissl
