#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/checkpoint.h"
#include "apps/memory_flags.h"
#include "apps/method_flags.h"
#include "apps/run/metrics_log.h"
#include "apps/run/progress.h"
#include "apps/watch.h"
#include "nn/schedule.h"
#include "ssl/step/training_step.h"

namespace minissl {

/// All flags of `minissl train METHOD`.
struct TrainFlags {
  CommonFlags common;
  NetworkFlags network;
  MethodFlags method;
  MemoryFlags memory;
  OptimizerOptions optimizer;
  Augmentation augmentation;

  std::string data, out, normalization = "imagenet";
  int64_t epochs = 100, batch = 256, steps = 0, accumulate = 1;
  double lr = 1e-3, warmup_epochs = 10, clip_norm = 0, weight_decay_end = -1;
  std::string schedule = "cosine";
  int64_t monitor_every = 5, monitor_samples = 2048;
  std::string on_collapse = "warn";
  std::string eval_train, eval_test;
  int64_t eval_every = 0, eval_k = 200;
  double eval_temperature = 0.1;
  std::string eval_features = "backbone";
  int64_t checkpoint_every = 25, keep = 3;
  double checkpoint_minutes = 10;
  bool resume = false;
  int workers = 1;
  double max_bad_fraction = 0.01;
  int max_value = 0;
  bool cuda_graph = true;
};

/// Adds all flags but --out and --resume.
void add_train_flags(CLI::App& command, TrainFlags& flags);
/// The flags of the run in a folder, from its config.toml; `out` is the folder. Throws Error if it can't be read.
TrainFlags read_train_flags(const std::filesystem::path& run);

/// One run in its folder, from its first step or last checkpoint to its end.
class Trainer {
 public:
  /// `config` is written to the folder unchanged. Throws Error for any failure that can be foreseen before the first
  /// step.
  Trainer(const TrainFlags& flags, std::string config);
  ~Trainer();

  /// Trains to the end, or until a stop is requested (SIGINT, SIGTERM): then writes a checkpoint and throws an Error
  /// that says how to resume.
  void run();

 private:
  void run_to_end();
  void open_folder();
  void warn_of_changed_flags();
  void log_plan();
  void train_epoch(TrainingLoader& loader);
  void train_step(TrainingLoader& loader);
  void record(const StepResult& result);
  void record_all_steps();
  void free_step_memory();
  void evaluate_dry(Method& method) const;
  void end_epoch();
  void look_for_collapse();
  void evaluate();
  void save_checkpoint();
  void prune_checkpoints() const;
  void write_views();
  void name_bad_files(const std::vector<BadFile>& files);
  LoaderOptions loader_options(int64_t batch) const;
  BatchRequest batch_request() const { return method_->request(flags_.augmentation, flags_.network.size); }
  bool finished() const;

  const TrainFlags flags_;
  const std::string config_;
  const std::filesystem::path folder_;
  std::unique_ptr<Dataset> dataset_;
  Normalization normalization_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<TrainingStep> training_step_;
  StepDescription step_;
  MemoryPlan plan_;
  Schedule schedule_;
  CosineSchedule decay_schedule_;
  int64_t steps_per_epoch_ = 0, total_steps_ = 0;
  RunPosition position_;
  bool resumed_ = false;
  std::vector<std::string> term_names_;
  std::unique_ptr<CollapseWatch> collapse_watch_;  // null: off
  std::unique_ptr<KnnWatch> knn_watch_;
  size_t bad_files_named_ = 0;
  double start_ = 0, last_checkpoint_ = 0, step_begun_ = 0, last_result_ = 0;
  std::unique_ptr<MetricsLog> log_;
  std::unique_ptr<Progress> progress_;
};

}  // namespace minissl
