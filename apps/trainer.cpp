#include "apps/trainer.h"

#include <algorithm>
#include <chrono>
#include <sstream>

#include "apps/memory_report.h"
#include "apps/model_file.h"
#include "apps/run/picture.h"
#include "apps/run/report.h"
#include "apps/stop_requests.h"
#include "nn/state_file.h"
#include "ssl/parts/variance_term.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string epoch_file(int64_t epochs) { return fmt::format("epoch_{:04}.safetensors", epochs); }

}  // namespace

Trainer::Trainer(const TrainFlags& flags, std::string config)
    : flags_(flags), config_(std::move(config)), folder_(flags.out) {
  const DeviceScope device = flags_.common.apply();
  require(flags_.common.dtype() != DType::f64, "train needs --precision f32 or bf16; f64 is for inspect step");
  require(flags_.epochs > 0 && flags_.batch > 1 && flags_.accumulate > 0,
          "--epochs and --accumulate must be at least 1, --batch at least 2");
  require(flags_.on_collapse == "warn" || flags_.on_collapse == "stop" || flags_.on_collapse == "variance",
          "--on-collapse {} is not known; there are warn, stop and variance", flags_.on_collapse);
  require(flags_.eval_train.empty() == flags_.eval_test.empty(), "--eval-train and --eval-test go together");
  flags_.augmentation.check();
  const auto channels = static_cast<int>(flags_.network.channels);
  dataset_ = open_dataset(flags_.data, channels, flags_.common.seed, flags_.max_value);
  normalization_ = Normalization::named(flags_.normalization, channels);
  if (flags_.monitor_every > 0)
    collapse_watch_ =
        std::make_unique<CollapseWatch>(*dataset_, flags_.monitor_samples, loader_options(embedding_batch));
  if (!flags_.eval_train.empty())
    knn_watch_ = std::make_unique<KnnWatch>(
        open_dataset(flags_.eval_train, channels, flags_.common.seed, flags_.max_value),
        open_dataset(flags_.eval_test, channels, flags_.common.seed, flags_.max_value), loader_options(embedding_batch),
        KnnOptions{flags_.eval_k, flags_.eval_temperature}, flags_.eval_features);
  const int64_t images_per_step = flags_.batch * flags_.accumulate;
  steps_per_epoch_ = dataset_->size() / images_per_step;
  require(steps_per_epoch_ > 0, "{}: {} images are fewer than --batch {} x --accumulate {}; use a smaller batch",
          flags_.data, dataset_->size(), flags_.batch, flags_.accumulate);
  total_steps_ = flags_.epochs * steps_per_epoch_;
  if (flags_.steps > 0) total_steps_ = std::min(total_steps_, flags_.steps);
  schedule_ = {flags_.schedule, flags_.lr,
               static_cast<int64_t>(std::llround(flags_.warmup_epochs * static_cast<double>(steps_per_epoch_))),
               flags_.epochs * steps_per_epoch_};
  schedule_.at(0);
  decay_schedule_ = {flags_.optimizer.weight_decay, flags_.weight_decay_end, schedule_.total_steps};

  step_ = describe_step(flags_.method, flags_.network, flags_.optimizer, flags_.batch, flags_.common.dtype());
  step_.waiting_batches = loader_options(flags_.batch).prefetch;
  if (collapse_watch_ || knn_watch_) step_.between_steps = [this](Method& method) { evaluate_dry(method); };
  step_.checkpoints = true;
  plan_ = flags_.memory.plan(step_, PlanCostSource::measured);
  method_ = flags_.method.make(flags_.network, flags_.common.seed, master_type(flags_.common.dtype()));
  optimizer_ = make_optimizer(flags_.optimizer, method_->online(), method_->rules());
  training_step_ = std::make_unique<TrainingStep>(
      *method_, *optimizer_, StepOptions{plan_.recompute, flags_.accumulate, flags_.clip_norm},
      flags_.cuda_graph ? TrainingStep::Graphs::on : TrainingStep::Graphs::off);
  require(flags_.on_collapse != "variance" || method_->variance_term() != nullptr,
          "--on-collapse variance: {} has no projections whose variance could join the loss; use warn or stop",
          flags_.method.method());
  const std::string warning = method_->check_data(dataset_->size(), flags_.batch);
  open_folder();
  progress_ = std::make_unique<Progress>(total_steps_, "step");
  if (!warning.empty()) progress_->log("warning: " + with_flags(warning));
  log_plan();
  if (resumed_) warn_of_changed_flags();
}

Trainer::~Trainer() = default;

void Trainer::open_folder() {
  const fs::path last = folder_ / "last.safetensors", metrics = folder_ / "metrics.jsonl";
  if (flags_.resume && fs::exists(last)) {
    position_ = load_checkpoint(last, *method_, *optimizer_);
    if (position_.variance_joined) method_->variance_term()->set_weight(1);
    log_ = std::make_unique<MetricsLog>(metrics, position_.step - 1);
    const std::vector<Json> events = read_metrics(metrics);
    if (collapse_watch_) collapse_watch_->restore(events);
    if (knn_watch_) knn_watch_->restore(events);
    resumed_ = true;
    return;
  }
  require(!fs::exists(metrics) || flags_.resume,
          "{}: there is a run in it; go on with --resume, or choose another --out", folder_.string());
  std::error_code error;
  fs::create_directories(folder_, error);
  require(!error, "--out {}: {}", folder_.string(), error.message());
  write_file(folder_ / "config.toml", config_);
  log_ = std::make_unique<MetricsLog>(metrics);
}

void Trainer::log_plan() {
  progress_->log(fmt::format("memory: {} needed, tensors {} at the peak, {} of them activations",
                             format_bytes(plan_.needed()), format_bytes(plan_.memory.usage.peak),
                             format_bytes(plan_.memory.activations())));
  using Policy = RecomputePlan::Policy;
  if (const Policy policy = plan_.recompute.policy(); policy != Policy::all && policy != Policy::none) {
    progress_->log(fmt::format("recomputation: {:+.1f}% arithmetic", plan_.extra_flops_percent));
    for (const std::string& line : plan_lines(plan_)) progress_->log("  " + line);
  }
  if (!resumed_) log_->append(memory_event(plan_, method_->device().str()));
}

void Trainer::warn_of_changed_flags() {
  const std::string before = read_file(folder_ / "config.toml");
  std::istringstream lines(config_);
  std::string changed;
  for (std::string line; std::getline(lines, line);)
    if (before.find(line + "\n") == std::string::npos) changed += (changed.empty() ? "" : ", ") + line;
  if (changed.empty()) return;
  progress_->log("warning: the run began with other flags; it goes on with " + changed);
  write_file(folder_ / "config.toml", config_);
}

bool Trainer::finished() const { return position_.step >= total_steps_; }

LoaderOptions Trainer::loader_options(int64_t batch) const {
  return {.batch = batch,
          .size = flags_.network.size,
          .channels = flags_.network.channels,
          .dtype = flags_.common.dtype(),
          .seed = flags_.common.seed,
          .workers = flags_.workers,
          .prefetch = 2,
          .normalization = normalization_,
          .max_bad_fraction = flags_.max_bad_fraction};
}

void Trainer::run() {
  with_memory_advice(step_, [&] { run_to_end(); });
}

void Trainer::run_to_end() {
  start_ = last_checkpoint_ = now();
  progress_->log(fmt::format("{}: {} images, {} steps an epoch, {} epochs, from step {}; {} parameters", flags_.data,
                             dataset_->size(), steps_per_epoch_, flags_.epochs, position_.step,
                             method_->parameter_count()));
  if (!resumed_) {
    write_views();
    look_for_collapse();
    evaluate();
    save_checkpoint();
  }
  {
    LoaderOptions options = loader_options(flags_.batch);
    options.device = method_->device();
    // On a GPU, images may use the memory that the step leaves free.
    if (options.device.type == DeviceType::cuda)
      options.resident_bytes = std::max<int64_t>(0, available_memory(options.device) / 10 * 9 - plan_.needed());
    options.accumulate = flags_.accumulate;
    TrainingLoader loader(*dataset_, batch_request(), options, position_.step * flags_.accumulate);
    while (!finished()) train_epoch(loader);
    name_bad_files(loader.bad_files());
    if (bad_files_named_ > 0)
      progress_->log(fmt::format("{} files could not be read and were skipped", bad_files_named_));
  }
  progress_->log(fmt::format("memory: predicted {}, actual {}", format_bytes(plan_.memory.usage.peak),
                             allocator(method_->device()).usage().str()));
  save_checkpoint();
  progress_->finish();
  fmt::print(stderr, "done: {}\n", (folder_ / "report.html").string());
}

void Trainer::train_epoch(TrainingLoader& loader) {
  while (position_.step_in_epoch < steps_per_epoch_ && !finished()) {
    train_step(loader);
    if (stop_requested()) {
      save_checkpoint();
      progress_->finish();
      fail("stopped after step {}; the same command with --resume goes on from there", position_.step);
    }
    if (now() - last_checkpoint_ > 60 * flags_.checkpoint_minutes) save_checkpoint();
  }
  if (position_.step_in_epoch == steps_per_epoch_) end_epoch();
}

void Trainer::train_step(TrainingLoader& loader) {
  step_begun_ = now();
  const StepRates rates{schedule_.at(position_.step), schedule_.peak, decay_schedule_.at(position_.step)};
  training_step_->run({position_.step, schedule_.total_steps, steps_per_epoch_}, rates, [&] { return loader.next(); });
  ++position_.step;
  ++position_.step_in_epoch;
  while (const auto result = training_step_->result()) record(*result);
  name_bad_files(loader.bad_files());
}

// Waits for the results of all steps that were started.
void Trainer::record_all_steps() {
  while (const auto result = training_step_->result(true)) record(*result);
}

// Frees the step's GPU memory for the work between steps.
void Trainer::free_step_memory() {
  record_all_steps();
  training_step_->release_graphs();
}

void Trainer::record(const StepResult& result) {
  // Times a late result from the previous one, because the steps of a GPU run back to back.
  const double begun = std::max(step_begun_, last_result_);
  last_result_ = now();
  const StepEvent event{.step = result.step,
                        .epoch = position_.epoch,
                        .loss = result.loss,
                        .terms = result.terms,
                        .lr = result.lr,
                        .images_per_s = static_cast<double>(flags_.batch * flags_.accumulate) / (last_result_ - begun),
                        .seconds = last_result_ - start_};
  Json line = to_json(event);
  line["grad_norm"] = result.gradient_norm;
  log_->append(line);

  position_.epoch_sums.resize(event.terms.size() + 1);
  position_.epoch_sums[0] += event.loss;
  term_names_.clear();
  for (size_t t = 0; t < event.terms.size(); ++t) {
    position_.epoch_sums[t + 1] += event.terms[t].second;
    term_names_.push_back(event.terms[t].first);
  }
  progress_->update(event.step + 1,
                    fmt::format("epoch {}/{}  loss {:.4f}", position_.epoch + 1, flags_.epochs, event.loss),
                    event.images_per_s);
}

void Trainer::end_epoch() {
  record_all_steps();
  const auto steps = static_cast<double>(position_.step_in_epoch);
  EpochEvent event{position_.epoch, position_.epoch_sums.at(0) / steps, {}};
  for (size_t t = 0; t < term_names_.size(); ++t)
    event.terms.emplace_back(term_names_[t], position_.epoch_sums.at(t + 1) / steps);
  log_->append(event);
  position_.epoch += 1;
  position_.step_in_epoch = 0;
  position_.epoch_sums.clear();
  const auto due = [&](int64_t every) { return every > 0 && position_.epoch % every == 0; };
  const bool monitor_due = due(flags_.monitor_every) || finished(), eval_due = due(flags_.eval_every) || finished();
  if (monitor_due) look_for_collapse();
  if (eval_due) evaluate();
  // Saving a checkpoint also writes the report.
  if (due(flags_.checkpoint_every))
    save_checkpoint();
  else if (monitor_due || eval_due)
    write_report(folder_);
}

// Makes the same calls as the monitor and the evaluation, so that the predicted memory includes their peak.
void Trainer::evaluate_dry(Method& method) const {
  const int64_t size = flags_.network.size, channels = flags_.network.channels;
  const Tensor images = [&] {
    const TagScope tag(MemoryTag::data);
    return Tensor::empty({embedding_batch, size, size, channels}, flags_.common.dtype());
  }();
  const std::vector<Space> spaces = method.embed(images);
  if (!knn_watch_) return;
  const int64_t rows = knn_watch_->images(), pixels = pixel_size * pixel_size * channels;
  int64_t all = 0, widest = 0;
  for (const Space& space : spaces) {
    all += space.rows.dim(1);
    widest = std::max(widest, space.rows.dim(1));
  }
  const Tensor features = Tensor::empty({rows, std::max(all, pixels)}),
               normalized = Tensor::empty({rows, std::max(widest, pixels)}),
               similarity = Tensor::empty({knn_block, rows});
}

void Trainer::look_for_collapse() {
  if (!collapse_watch_) return;
  free_step_memory();
  const auto [event, level] = collapse_watch_->look(*method_, position_.epoch);
  log_->append(event);
  if (level == CollapseVerdict::Level::healthy) return;
  progress_->log(fmt::format("after epoch {}: {}", position_.epoch, event.verdict));
  if (level == CollapseVerdict::Level::collapsed && flags_.on_collapse == "stop") {
    save_checkpoint();
    progress_->finish();
    fail("stopped after epoch {} (--on-collapse stop): {}", position_.epoch, event.verdict);
  }
  if (level == CollapseVerdict::Level::collapsed && flags_.on_collapse == "variance" &&
      method_->variance_term()->weight() == 0) {
    position_.variance_joined = true;
    method_->variance_term()->set_weight(1);
    progress_->log("the variance term joins the loss, with weight 1 (--on-collapse variance)");
  }
}

void Trainer::evaluate() {
  if (!knn_watch_) return;
  free_step_memory();
  const EvalEvent event = knn_watch_->look(*method_, position_.epoch);
  log_->append(event);
  progress_->log(fmt::format("after epoch {}: kNN accuracy {:.1f}% (untrained {:.1f}%, raw pixels {:.1f}%)",
                             position_.epoch, 100 * event.knn_top1, 100 * event.untrained.value_or(0),
                             100 * event.pixels.value_or(0)));
}

void Trainer::save_checkpoint() {
  free_step_memory();
  last_checkpoint_ = now();
  log_->sync();
  const ModelDescription model{flags_.network, normalization_, flags_.method, flags_.common.seed, position_.epoch};
  const Metadata metadata = describe(model, Content::method);
  minissl::save_checkpoint(folder_ / "last.safetensors", *method_, *optimizer_, position_, metadata);
  save_safetensors(folder_ / "backbone.safetensors", file_tensors(method_->backbone()),
                   describe(model, Content::backbone));
  if (position_.step_in_epoch == 0 && position_.epoch > 0 && flags_.checkpoint_every > 0 &&
      position_.epoch % flags_.checkpoint_every == 0) {
    minissl::save_checkpoint(folder_ / epoch_file(position_.epoch), *method_, *optimizer_, position_, metadata);
    prune_checkpoints();
  }
  write_report(folder_);
}

void Trainer::prune_checkpoints() const {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_))
    if (entry.path().filename().string().starts_with("epoch_") && entry.path().extension() == ".safetensors")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (size_t i = 0; flags_.keep > 0 && i + static_cast<size_t>(flags_.keep) < files.size(); ++i) fs::remove(files[i]);
}

void Trainer::write_views() {
  const int64_t count = std::min<int64_t>({12, flags_.batch, dataset_->size()});
  LoaderOptions options = loader_options(count);
  options.dtype = DType::f32;
  TrainingLoader loader(*dataset_, batch_request(), options);
  std::vector<Tensor> sheets;
  for (const Tensor& view : loader.next().views) sheets.push_back(to_pixels(view, normalization_));
  write_png(folder_ / "views.png", tile(sheets, 4, 2));
}

void Trainer::name_bad_files(const std::vector<BadFile>& files) {
  for (; bad_files_named_ < files.size(); ++bad_files_named_)
    progress_->log(fmt::format("skipped {}: {}", files[bad_files_named_].name, files[bad_files_named_].reason));
}

}  // namespace minissl
