#pragma once
#include <functional>

#include "autograd/recompute.h"
#include "nn/optimizer.h"
#include "ssl/method.h"
#include "tensor/group.h"

namespace minissl {

struct StepOptions {
  RecomputePlan recompute = {};
  int64_t accumulate = 1;  ///< batches in a step
  double clip_norm = 0;    ///< bound on the gradient's norm, or on each parameter's (Method::clip); 0: none
};

/// Observes a step, and may replace how its parts run. By default each function does nothing or the plain thing.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  enum class Section { begin, batch, end };
  /// Does the work of one section on the device, or launches a CUDA graph that has recorded it.
  virtual void section(Section /*which*/, const std::function<void()>& work) { work(); }
  /// Returns the batch to use in the step.
  virtual Batch take(Batch batch) { return batch; }
  /// Whether a batch's log keeps every tensor.
  virtual StepLog::Keep keep() const { return StepLog::Keep::terms; }
  /// Within a batch's section, with the loss and its graph computed.
  virtual void before_backward(const Variable& /*loss*/, const StepLog& /*log*/) {}
  /// Within a batch's section, with its gradients computed.
  virtual void after_batch(const Variable& /*loss*/, const StepLog& /*log*/) {}
  /// After the section of batch `number` in the step.
  virtual void batch_done(int64_t /*number*/) {}
  /// Within the last section: the gradients of all batches are complete and no weight has changed.
  virtual void before_update() {}
  /// After that: the gradients are clipped, each alone if the method wants it so, and the update multiplies them by
  /// `scale` (1, f64).
  virtual void clipped(const Tensor& /*scale*/) {}
};

/// The order of a training step, in one place: training, benchmarks, dry runs, drawings of the graph and recordings of
/// every tensor all go through run().
///
///   begin, on the host    Method::begin, Optimizer::begin_step: write step-dependent numbers to the device
///   section begin         gradients = 0; Method::before_batches
///   section batch         for each accumulated batch: Method::loss, backward, Method::after_backward
///   section end           the gradients of all processes added up (Group::current()); norm and clipping;
///                         Method::after_batches; the optimizer's update, including the follower
class Step {
 public:
  /// Method and optimizer must outlive it. Throws Error unless a step has at least one batch.
  Step(Method& method, Optimizer& optimizer, const StepOptions& options);

  void run(const StepPosition& position, const StepRates& rates, const std::function<Batch()>& next_batch,
           StepObserver& observer);

  const StepOptions& options() const { return options_; }
  /// f64 (1) on the device: the norm of the mean gradient, before clipping.
  const Tensor& gradient_norm() const { return gradient_norm_; }

 private:
  void begin();
  void batch(const Batch& batch, StepObserver& observer);
  void end(StepObserver& observer);

  Method& method_;
  Optimizer& optimizer_;
  const StepOptions options_;
  Group& group_;
  Tensor squared_norm_, gradient_norm_, gradient_scale_;  // f64 (1)
};

}  // namespace minissl
