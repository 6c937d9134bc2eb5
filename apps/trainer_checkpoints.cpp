#include "apps/model_file.h"
#include "apps/resume.h"
#include "apps/run/report.h"
#include "apps/standard_streams.h"
#include "apps/trainer.h"
#include "nn/state_file.h"
#include "ssl/parts/variance_term.h"
#include "tensor/atomic_file.h"

/// How a run goes on from a checkpoint, and writes one.
namespace minissl {

// What a run can't go on with is refused before anything is written, and before the data are read.
void Trainer::check_settings() {
  resumed_from_ = checkpoint_to_resume(folder_, flags_.resume, flags_.resume_from);
  if (!resumed_from_) return;
  Settings before;
  const auto config = resumed_from_->folder() / run_file::config;
  const auto kept = resumed_from_->metadata.find("settings");
  const bool has_own = kept != resumed_from_->metadata.end();
  if (std::filesystem::exists(config)) {
    try {
      before = settings_of(read_file(config));
    } catch (const Error& error) {
      require(has_own, "{}: {}", config.string(), error.what());
      say(fmt::format("warning: {}: {}; the run goes on with the settings in its checkpoint", config.string(),
                      error.what()));
    }
  }
  // The checkpoint's own settings count, whatever has become of config.toml.
  if (has_own)
    for (const auto& [name, value] : settings_of(kept->second)) before[name] = value;
  changes_ = changed_settings(before, settings_of(config_));
  require_same_run(resumed_from_->path.string(), changes_);
}

void Trainer::check_data() {
  const Metadata& saved = resumed_from_->metadata;
  const auto before = saved.find("data"), sizes = saved.find("data_sizes");
  if (before == saved.end()) return;
  const std::string run = resumed_from_->path.string();
  if (before->second == data_identity_) {
    if (sizes != saved.end() && sizes->second != data_sizes_)
      say(fmt::format(
          "warning: {}: the files of --data {} have the names, but not the sizes, of those that the run was "
          "trained on: some were written anew",
          run, flags_.data));
    return;
  }
  require(flags_.accept_changed_data,
          "{}: --data {} ({}) is not what the run was trained on ({}), so the images of its steps would be others; "
          "restore the data, or go on with --accept-changed-data",
          run, flags_.data, data_identity_, before->second);
  const int64_t steps = std::stoll(before->second) / flags_.batch / flags_.accumulate;
  require(steps == steps_per_epoch_,
          "{}: --data {} has {} steps an epoch, and had {}: its epochs can't go on; begin another run", run,
          flags_.data, steps_per_epoch_, steps);
  std::erase_if(changes_, [](const ChangedSetting& change) { return change.name == "data"; });
  changes_.push_back({"data", before->second, data_identity_, "the images of the steps are others from here on", true});
}

int Trainer::known_white_level() const {
  if (flags_.max_value > 0 || !resumed_from_) return flags_.max_value;
  // Older checkpoints don't say it.
  const auto before = resumed_from_->metadata.find("max_value");
  return before == resumed_from_->metadata.end() ? 0 : std::stoi(before->second);
}

void Trainer::open_folder() {
  if (resumed_from_) return resume();
  if (flags_.resume) progress_->log(folder_.path().string() + ": no checkpoint is there; the run begins");
  folder_.open();
  write_file(folder_ / run_file::config, config_);
  log_ = std::make_unique<MetricsLog>(folder_ / run_file::metrics);
}

void Trainer::resume() {
  const CheckpointSummary& from = *resumed_from_;
  position_ = load_checkpoint(from.path, *method_, *optimizer_);
  saved_steps_ = position_.step;
  if (position_.variance_joined) method_->variance_term()->set_weight(1);
  const bool branches = folder_.files().empty();
  const auto metrics = folder_ / run_file::metrics, of_origin = from.folder() / run_file::metrics;
  folder_.open();
  // A run that goes on in another folder takes its log with it, if it has one.
  if (branches && std::filesystem::exists(of_origin)) write_file(metrics, read_file(of_origin));
  if (branches && !std::filesystem::exists(metrics))
    log_ = std::make_unique<MetricsLog>(metrics);
  else
    log_ = std::make_unique<MetricsLog>(metrics, LogPosition{position_.step, position_.epoch_sums.empty()});
  const std::vector<Json> events = read_metrics(metrics);
  if (collapse_watch_) collapse_watch_->restore(events);
  if (knn_watch_) knn_watch_->restore(events);
  for (const Json& event : events)
    if (is_event(event, "step")) term_names_ = loss_terms(event);
  say_changes();
  write_file(folder_ / run_file::config, config_);
}

void Trainer::say_changes() {
  Json logged = Json::object();
  for (const ChangedSetting& change : changes_) {
    progress_->log(
        fmt::format("--{} was {}, and is {} now: {}", change.name, change.before, change.now, change.effect));
    if (change.changes_figures) logged[change.name] = {change.before, change.now};
  }
  if (!logged.empty()) log_->append(Json{{"event", "resume"}, {"step", position_.step}, {"changed", logged}});
}

// An epoch's end asks before its evaluation, and again before its checkpoint; steps alone change the state.
void Trainer::require_finite_state() {
  if (finite_after_ == position_.step) return;
  if (const auto name = find_not_finite(*method_, *optimizer_))
    throw NotFinite(
        fmt::format("{} is not finite after step {}, so that nothing was saved; try a lower `lr` or "
                    "`clip-norm`",
                    *name, position_.step - 1));
  finite_after_ = position_.step;
}

// The checkpoint that a run goes on from is written last, so that a kill in between loses none of the others.
void Trainer::save_checkpoint() {
  free_step_memory();
  last_checkpoint_ = now();
  require_finite_state();
  log_->sync();
  const int64_t epochs = position_.step / steps_per_epoch_;
  const ModelDescription model{flags_.network,     normalization_, flags_.method,
                               flags_.common.seed, epochs,         dataset_->max_value()};
  Metadata metadata = describe(model, Content::method);
  metadata["settings"] = settings_of_figures_;
  metadata["data"] = data_identity_;
  metadata["data_sizes"] = data_sizes_;
  const auto save = [&](const std::string& name) {
    minissl::save_checkpoint(folder_ / name, *method_, *optimizer_, position_, metadata);
  };
  const bool epoch_ended = step_in_epoch() == 0 && position_.epoch_sums.empty() && epochs > 0;
  if (epoch_ended && flags_.checkpoint_every > 0 && epochs % flags_.checkpoint_every == 0) {
    save(run_file::of_epoch(epochs));
    folder_.prune(flags_.keep);
  }
  save_safetensors(folder_ / run_file::backbone, file_tensors(method_->backbone()), describe(model, Content::backbone));
  for (const auto& [name, part] : method_->kept_parts()) {
    Metadata of_part = describe(model, Content::backbone);
    of_part["content"] = name;
    save_safetensors(folder_ / (name + ".safetensors"), file_tensors(*part), of_part);
  }
  save(run_file::last);
  saved_steps_ = position_.step;
  write_report(folder_.path());
}

}  // namespace minissl
