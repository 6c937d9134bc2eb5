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

/// The results of a step: means over its batches.
struct StepResult {
  int64_t step = 0;
  double lr = 0, loss = 0, gradient_norm = 0;
  std::vector<std::pair<std::string, double>> terms = {};  ///< of the loss
};

/// A run has diverged: a loss, a gradient or a weight is not finite.
class NotFinite : public Error {
 public:
  using Error::Error;
};

/// The training steps of a run, and their results.
///
/// On a GPU the host queues a step and continues; the result is read once it has arrived. The first step runs operation
/// by operation. Then its sections are recorded as CUDA graphs, which later steps launch: the same bits with much less
/// work for the host. Batches of another shape, or another Method::form(), start this over.
class TrainingStep final : private StepObserver {
 public:
  enum class Graphs { on, off };  ///< whether steps on a GPU are recorded
  /// Method and optimizer must outlive it.
  TrainingStep(Method& method, Optimizer& optimizer, const StepOptions& options, Graphs graphs = Graphs::on);
  ~TrainingStep() override;

  /// Runs a step, or queues it on a GPU, on the batches that next_batch() returns.
  void run(const StepPosition& position, const StepRates& rates, const std::function<Batch()>& next_batch);

  /// The earliest result not yet taken, if it has arrived. On a GPU it waits for a result only if two later steps are
  /// queued or `wait` is set. Throws NotFinite, naming the step and the first bad value, if the loss or the gradient is
  /// not finite.
  std::optional<StepResult> result(bool wait = false);

  /// Frees the memory of the CUDA graphs, for other work between two steps; the next step records them again.
  void release_graphs();

 private:
  /// The layout of a result's numbers: for each batch the loss, its terms and the squared norms of the watched tensors;
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
  std::set<std::shared_ptr<ConvertedCopy>> converted_;  // of its weights, current between a step's sections
  Batch batch_;                                         // on a GPU: the graphs' input
  StepPosition position_;                               // of the step in progress
  double lr_ = 0;
  Layout layout_;
  Tensor batch_numbers_;  // f64, of the last batch, as in layout_
  std::deque<Pending> pending_;
  std::vector<std::unique_ptr<Readback>> unused_;

  bool repeatable_ = false;  // a step like the next one has run operation by operation
  uint64_t form_ = 0;        // of that step
  std::unique_ptr<GraphMemory> graph_memory_;
  std::array<std::unique_ptr<cuda::Graph>, 3> graphs_;  // by Section
};

}  // namespace minissl
