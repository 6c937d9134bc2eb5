#pragma once
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/checkpoint.h"
#include "apps/label_flags.h"
#include "apps/memory_flags.h"
#include "apps/method_flags.h"
#include "apps/model_file.h"
#include "apps/run/metrics_log.h"
#include "apps/run/progress.h"
#include "apps/run/run_folder.h"
#include "apps/run_settings.h"
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

  LabelFlags tables;
  std::string data, out, normalization = "imagenet";
  int64_t epochs = 100, batch = 256, steps = 0, accumulate = 1;
  double lr = 1e-3, clip_norm = 0, weight_decay_end = -1;
  std::optional<double> warmup_epochs = {};
  std::string schedule = "cosine";
  int64_t monitor_every = 5, monitor_samples = 2048;
  std::string on_collapse = "warn";
  std::string eval_train, eval_test, eval_classes;
  int64_t eval_every = 0;
  KnnOptions eval_knn;
  std::string eval_features = "backbone";
  int64_t checkpoint_every = 25, keep = 3;
  double checkpoint_minutes = 10;
  bool resume = false;
  std::string resume_from;
  bool accept_changed_data = false;
  int workers = 1;
  double max_bad_fraction = 0.01;
  int max_value = 0;
  bool cuda_graph = true;

  /// Unless given, a tenth of the epochs and at most 10.
  double resolved_warmup_epochs() const {
    return warmup_epochs.value_or(std::min(10.0, static_cast<double>(epochs) / 10));
  }
};

/// Adds all flags but --out, --resume and --resume-from.
void add_train_flags(CLI::App& command, TrainFlags& flags);
/// The flags of the run in a folder, from its config.toml; `out` is the folder. Throws Error if it can't be read.
TrainFlags read_train_flags(const std::filesystem::path& run);
/// The images of a run whose checkpoint says `model`, or, if `data` is not empty, those of that folder.
std::unique_ptr<Dataset> open_run_data(const TrainFlags& flags, const ModelDescription& model, const std::string& data);

/// One run in its folder, from its first step or last checkpoint to its end.
class Trainer {
 public:
  /// `config` is written to the folder unchanged. Throws Error for any failure that can be foreseen before the first
  /// step.
  Trainer(const TrainFlags& flags, std::string config);
  ~Trainer();

  /// Trains to the end, or until a signal requests a stop: then writes a checkpoint and throws Stopped, whose message
  /// says how to resume.
  void run();

 private:
  static double now();  // in seconds
  void open_folder();
  void resume();
  void check_settings();
  void check_data();
  /// White in 16-bit images: as given, or as in the checkpoint that the run goes on from; 0: to be found out.
  int known_white_level() const;
  void say_changes();
  void log_plan();
  void run_to_end();
  void begin();
  void train();
  void train_step(TrainingLoader& loader);
  void record(const StepResult& result);
  void record_all_steps();
  void free_step_memory();
  void evaluate_dry(Method& method) const;
  void end_epoch();
  void log_epoch();
  /// The means of the loss's terms over the epoch in progress, or just done; none before its first step.
  std::vector<std::pair<std::string, double>> epoch_terms() const;
  void look_for_collapse();
  void evaluate();
  void save_checkpoint();
  void require_finite_state();
  [[noreturn]] void stop_now(int signal);
  Normalization choose_normalization() const;
  void say_lost_views();
  /// Views of the first images of the first epoch, for pictures.
  Batch first_batch(int64_t images) const;
  void write_views();
  void write_reconstruction();
  void name_bad_files(const std::vector<BadFile>& files);
  LoaderOptions loader_options(int64_t batch) const;
  BatchRequest batch_request() const { return method_->request(flags_.augmentation, flags_.network.size); }
  bool finished() const { return position_.step >= total_steps_; }
  int64_t step_in_epoch() const { return position_.step % steps_per_epoch_; }
  /// Not whole within an epoch.
  double epochs_done() const { return static_cast<double>(position_.step) / static_cast<double>(steps_per_epoch_); }

  const TrainFlags flags_;
  const std::string config_;
  RunFolder folder_;
  std::optional<CheckpointSummary> resumed_from_;
  std::vector<ChangedSetting> changes_;  // since that checkpoint
  std::unique_ptr<Dataset> dataset_;
  std::string data_identity_, data_sizes_, settings_of_figures_;  // in every checkpoint
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
  std::vector<std::string> term_names_;
  std::unique_ptr<CollapseWatch> collapse_watch_;  // null: off
  std::unique_ptr<KnnWatch> knn_watch_;
  size_t bad_files_named_ = 0;
  int64_t saved_steps_ = -1;   // of the newest checkpoint; -1: none
  int64_t finite_after_ = -1;  // steps after which the state was last found finite
  double start_ = 0, last_checkpoint_ = 0, step_begun_ = 0, last_result_ = 0;
  std::unique_ptr<MetricsLog> log_;
  std::unique_ptr<Progress> progress_;
};

}  // namespace minissl
