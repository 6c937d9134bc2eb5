#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograd/recompute.h"
#include "nn/optimizer.h"
#include "ssl/method.h"
#include "tensor/cuda/graph.h"
#include "tensor/readback.h"

namespace minissl {

struct TrainingStepOptions {
  RecomputePlan recompute = {};
  int64_t accumulate = 1;  ///< batches in a step
  double clip_norm = 0;    ///< bound on the gradient's norm; 0: none
  bool cuda_graph = true;  ///< on a GPU: whether steps are recorded and repeated
};

/// What a step gave: means over its batches.
struct StepResult {
  int64_t step = 0;
  double lr = 0, loss = 0, gradient_norm = 0;
  std::vector<std::pair<std::string, double>> terms = {};  ///< of the loss
};

/// The training step of a method: gradients of one or more batches, the optimizer's update, and what the method does
/// around them (ssl/method.h).
///
/// On a GPU the host asks for a step and goes on; what the step gave is read when it has arrived. The first step is
/// done operation by operation; then what it consists of is recorded in CUDA graphs, which are launched from then on:
/// the same bits with much less work for the host. Batches of another shape and another weight of the variance term
/// begin anew in the same way.
class TrainingStep {
 public:
  /// Method and optimizer must outlive it.
  TrainingStep(Method& method, Optimizer& optimizer, const TrainingStepOptions& options);
  ~TrainingStep();

  /// Does a step, or on a GPU asks for it, on the batches that next_batch() gives.
  void run(const StepPosition& position, const StepRates& rates, const std::function<Views()>& next_batch);

  /// What the earliest step gave whose result was not taken yet, if it has arrived; on a GPU a result is waited for
  /// only when two later steps have been asked for, or when `wait` says so. Throws Error, naming the step and what went
  /// wrong first, where the loss or the gradient is not finite.
  std::optional<StepResult> result(bool wait = false);

  /// Gives back the memory of the CUDA graphs, for other work between two steps; the next step records them anew.
  void release_graphs();

 private:
  /// What a result's numbers are: of each batch the loss, its terms and the squared norms of what the method watches,
  /// behind all batches the gradient's norm.
  struct Layout {
    std::vector<std::string> terms, watched;
    int64_t per_batch() const { return static_cast<int64_t>(1 + terms.size() + watched.size()); }
  };
  struct Pending {
    int64_t step;
    double lr;
    Layout layout;
    std::unique_ptr<Readback> numbers;
  };

  void begin();
  void batch(const Views& views);
  void end();
  /// Does a part of the step: itself, or by the graph that holds it.
  void do_section(std::unique_ptr<cuda::Graph>& graph, const std::function<void()>& section);
  /// The views where the step works on them.
  Views take(Views views);
  void begin_anew();
  void mark_written() const;
  std::unique_ptr<Readback> readback();
  StepResult result_of(const Pending& pending) const;

  Method& method_;
  Optimizer& optimizer_;
  const TrainingStepOptions options_;
  const Device device_;

  std::set<std::shared_ptr<Storage>> state_;            // of the method
  std::set<std::shared_ptr<ConvertedCopy>> converted_;  // of its weights, current between the parts of a step
  Views views_;                                         // on a GPU: where graphs find them
  Layout layout_;
  Tensor batch_numbers_;                                  // f64, of the last batch, by layout_
  Tensor squared_norm_, gradient_norm_, gradient_scale_;  // f64 (1)
  std::deque<Pending> pending_;
  std::vector<std::unique_ptr<Readback>> unused_;

  bool repeatable_ = false;     // a step like the next has been done operation by operation
  double variance_weight_ = 0;  // of that step
  std::unique_ptr<GraphMemory> graph_memory_;
  std::unique_ptr<cuda::Graph> begin_, batch_, end_;
};

}  // namespace minissl
