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
  double clip_norm = 0;    ///< bound on the gradient's norm; 0: none
};

/// Looks on while a step is made, and may make its parts in another way. Each function does nothing, or the plain
/// thing.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  enum class Section { begin, batch, end };
  /// Does the work of one section on the device. A CUDA graph that has recorded the section may be launched instead.
  virtual void section(Section /*which*/, const std::function<void()>& work) { work(); }
  /// The batch as the step is to see it.
  virtual Batch take(Batch batch) { return batch; }
  /// Whether a batch's log keeps every tensor.
  virtual StepLog::Keep keep() const { return StepLog::Keep::terms; }
  /// Within a batch's section: the loss is there, and so is its graph.
  virtual void before_backward(const Variable& /*loss*/, const StepLog& /*log*/) {}
  /// Within a batch's section: its gradients are there.
  virtual void after_batch(const Variable& /*loss*/, const StepLog& /*log*/) {}
  /// After the section of batch `number` in the step.
  virtual void batch_done(int64_t /*number*/) {}
  /// Within the last section: the gradients of all batches are there, and no weight has changed.
  virtual void before_update() {}
};

/// The order of a training step, written once: training, benchmarks, dry runs, drawings of the graph and recordings of
/// every tensor all go through run().
///
///   begin, on the host    Method::begin, Optimizer::begin_step: numbers that differ from step to step go to the device
///   section begin         gradients = 0; Method::before_batches
///   section batch         for each accumulated batch: Method::loss, backward, Method::after_backward
///   section end           the gradients of all processes added up (Group::current()); norm and clipping; the
///                         optimizer's update, with what follows it
class Step {
 public:
  /// Method and optimizer must outlive it. Throws Error unless there is a batch in the step.
  Step(Method& method, Optimizer& optimizer, const StepOptions& options);

  void run(const StepPosition& position, const StepRates& rates, const std::function<Batch()>& next_batch,
           StepObserver& observer);

  const StepOptions& options() const { return options_; }
  /// f64 (1) on the device: of the mean gradient, before it is clipped.
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
