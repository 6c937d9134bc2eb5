#pragma once
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ssl/step/step.h"
#include "tensor/cuda/graph.h"
#include "tensor/readback.h"

namespace minissl {

/// What a step gave: means over its batches.
struct StepResult {
  int64_t step = 0;
  double lr = 0, loss = 0, gradient_norm = 0;
  std::vector<std::pair<std::string, double>> terms = {};  ///< of the loss
};

/// The training steps of a run, and what they give.
///
/// On a GPU the host asks for a step and goes on; what the step gave is read when it has arrived. The first step is
/// done operation by operation; then its sections are recorded as CUDA graphs, which are launched from then on: the
/// same bits with much less work for the host. Batches of another shape, and another Method::form(), start this again.
class TrainingStep final : private StepObserver {
 public:
  enum class Graphs { on, off };  ///< whether steps on a GPU are recorded
  /// Method and optimizer must outlive it.
  TrainingStep(Method& method, Optimizer& optimizer, const StepOptions& options, Graphs graphs = Graphs::on);
  ~TrainingStep() override;

  /// Does a step, or on a GPU asks for it, on the batches that next_batch() gives.
  void run(const StepPosition& position, const StepRates& rates, const std::function<Batch()>& next_batch);

  /// What the earliest step gave whose result was not taken yet, if it has arrived; on a GPU a result is waited for
  /// only when two later steps have been asked for, or when `wait` says so. Throws Error, naming the step and what went
  /// wrong first, where the loss or the gradient is not finite.
  std::optional<StepResult> result(bool wait = false);

  /// Gives back the memory of the CUDA graphs, for other work between two steps; the next step records them again.
  void release_graphs();

 private:
  /// What a result's numbers are: of each batch the loss, its terms and the squared norms of what the method watches;
  /// after all batches the gradient's norm.
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

  void section(Section which, const std::function<void()>& work) override;
  Batch take(Batch batch) override;
  void after_batch(const Variable& loss, const StepLog& log) override;
  void batch_done(int64_t number) override;
  void forget_graphs();
  void mark_written() const;
  std::unique_ptr<Readback> readback();
  StepResult result_of(const Pending& pending) const;

  Method& method_;
  const Graphs graphs_wanted_;
  const Device device_;
  Step step_;

  std::set<std::shared_ptr<Storage>> state_;            // of the method
  std::set<std::shared_ptr<ConvertedCopy>> converted_;  // of its weights, current between the parts of a step
  Batch batch_;                                         // on a GPU: where graphs find it
  StepPosition position_;                               // of the step in progress
  double lr_ = 0;
  Layout layout_;
  Tensor batch_numbers_;  // f64, of the last batch, by layout_
  std::deque<Pending> pending_;
  std::vector<std::unique_ptr<Readback>> unused_;

  bool repeatable_ = false;  // a step like the next has been done operation by operation
  uint64_t form_ = 0;        // of that step
  std::unique_ptr<GraphMemory> graph_memory_;
  std::array<std::unique_ptr<cuda::Graph>, 3> graphs_;  // by Section
};

}  // namespace minissl
