#include "apps/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "apps/given_weights.h"
#include "apps/memory_report.h"
#include "apps/model_file.h"
#include "apps/open_data.h"
#include "apps/reconstruction_picture.h"
#include "apps/run/picture.h"
#include "apps/run/report.h"
#include "apps/standard_streams.h"
#include "apps/stop_requests.h"
#include "data/image_statistics.h"
#include "ssl/parts/variance_term.h"
#include "tensor/ops/matmul.h"

namespace minissl {

Trainer::Trainer(const TrainFlags& flags, std::string config)
    : flags_(flags), config_(std::move(config)), folder_(flags.out) {
  const DeviceScope device = flags_.common.apply();
  require(flags_.common.dtype() != DType::f64, "train needs --precision f32 or bf16; f64 is for inspect step");
  require(flags_.epochs > 0 && flags_.batch > 1 && flags_.accumulate > 0,
          "--epochs and --accumulate must be at least 1, --batch at least 2");
  require(flags_.eval_train.empty() == flags_.eval_test.empty(), "--eval-train and --eval-test go together");
  flags_.augmentation.check();
  check_settings();
  const auto channels = static_cast<int>(flags_.network.channels);
  dataset_ = open_labelled_data(flags_.data, channels, flags_.common.seed, known_white_level(), flags_.tables);
  data_identity_ = identity_of(*dataset_, flags_.data);
  data_sizes_ = sizes_of(*dataset_);
  settings_of_figures_ = settings_of_figures(config_);
  normalization_ = choose_normalization();
  if (flags_.monitor_every > 0)
    collapse_watch_ =
        std::make_unique<CollapseWatch>(*dataset_, flags_.monitor_samples, loader_options(embedding_batch));
  if (!flags_.eval_train.empty()) {
    auto to_learn_from = open_data(flags_.eval_train, channels, flags_.common.seed, dataset_->max_value());
    auto to_test_on = open_data(flags_.eval_test, channels, flags_.common.seed, to_learn_from->max_value());
    knn_watch_ = std::make_unique<KnnWatch>(
        evaluation_sets(std::move(to_learn_from), std::move(to_test_on),
                        {flags_.eval_train, flags_.eval_test, list_of_classes(flags_.eval_classes), "eval-"}),
        loader_options(embedding_batch), flags_.eval_knn, flags_.eval_features, [this] {
          const DeviceScope here(method_->device());
          return flags_.method.make(flags_.network, flags_.common.seed, master_type(flags_.common.dtype()));
        });
  }
  steps_per_epoch_ = dataset_->size() / flags_.batch / flags_.accumulate;
  require(steps_per_epoch_ > 0, "{}: {} images are fewer than --batch {} x --accumulate {}; use a smaller batch",
          flags_.data, dataset_->size(), flags_.batch, flags_.accumulate);
  total_steps_ = flags_.epochs * steps_per_epoch_;
  if (resumed_from_) {
    check_data();
    require(resumed_from_->position.step <= total_steps_, "{}: {} steps are done, and --epochs {} has {}",
            resumed_from_->path.string(), resumed_from_->position.step, flags_.epochs, total_steps_);
  }
  if (flags_.steps > 0) total_steps_ = std::min(total_steps_, flags_.steps);
  schedule_ = {
      flags_.schedule, flags_.lr,
      static_cast<int64_t>(std::llround(flags_.resolved_warmup_epochs() * static_cast<double>(steps_per_epoch_))),
      flags_.epochs * steps_per_epoch_};
  schedule_.at(0);
  decay_schedule_ = {flags_.optimizer.weight_decay, flags_.weight_decay_end, schedule_.total_steps};

  step_ = describe_step(flags_.method, flags_.network, flags_.optimizer, flags_.batch, flags_.common.dtype());
  step_.waiting_batches = loader_options(flags_.batch).prefetch;
  if (collapse_watch_ || knn_watch_) step_.between_steps = [this](Method& method) { evaluate_dry(method); };
  step_.checkpoints = true;
  plan_ = flags_.memory.plan(step_, PlanCostSource::measured);
  method_ = flags_.method.make(flags_.network, flags_.common.seed, master_type(flags_.common.dtype()));
  if (!resumed_from_)
    require_given_weights(*method_, flags_.method.method(), {normalization_, flags_.network.channels});
  optimizer_ = make_optimizer(flags_.optimizer, method_->online(), method_->rules());
  training_step_ = std::make_unique<TrainingStep>(
      *method_, *optimizer_, StepOptions{plan_.recompute, flags_.accumulate, flags_.clip_norm},
      flags_.cuda_graph ? TrainingStep::Graphs::on : TrainingStep::Graphs::off);
  require(flags_.on_collapse != "variance" || method_->variance_term() != nullptr,
          "--on-collapse variance: {} has no projections whose variance could join the loss; use warn or stop",
          flags_.method.method());
  const std::string warning = method_->check_data(dataset_->size(), flags_.batch);
  progress_ = std::make_unique<Progress>(total_steps_, "step");
  open_folder();
  if (!warning.empty()) progress_->log("warning: " + with_flags(warning));
  if (schedule_.warmup_steps > total_steps_)
    progress_->log(
        fmt::format("warning: the warmup (--warmup-epochs {}: {} steps) is longer than the run ({} steps): it never "
                    "reaches --lr {}",
                    flags_.resolved_warmup_epochs(), schedule_.warmup_steps, total_steps_, flags_.lr));
  log_plan();
}

Trainer::~Trainer() = default;

double Trainer::now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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
  if (!resumed_from_) log_->append(memory_event(plan_, method_->device().str()));
}

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
  const StopScope stops;
  try {
    with_memory_advice(step_, [&] { run_to_end(); });
  } catch (const Stopped& stop) {
    stop_now(stop.signal());
  } catch (const NotFinite& e) {
    if (saved_steps_ < 0) throw;
    throw NotFinite(fmt::format("{}; {} has the run after {} steps, from which --resume goes on", e.what(),
                                (folder_ / run_file::last).string(), saved_steps_));
  }
}

void Trainer::run_to_end() {
  start_ = last_checkpoint_ = now();
  progress_->log(fmt::format("{}: {} images, {} steps an epoch, {} epochs, from step {}; {} parameters", flags_.data,
                             dataset_->size(), steps_per_epoch_, flags_.epochs, position_.step,
                             method_->parameter_count()));
  if (dataset_->max_value() > 0) progress_->log(with_flags(white_level_line(dataset_->max_value())));
  if (!resumed_from_)
    begin();
  else if (!std::filesystem::exists(folder_ / run_file::views))
    write_views();  // the run goes on in a new folder
  train();
  progress_->log(fmt::format("memory: predicted {}, actual {}", format_bytes(plan_.memory.usage.peak),
                             allocator(method_->device()).usage().str()));
  save_checkpoint();
  progress_->finish();
  say("done: " + (folder_ / run_file::report).string());
}

void Trainer::begin() {
  say_lost_views();
  write_views();
  look_for_collapse();
  evaluate();
  save_checkpoint();
}

void Trainer::train() {
  LoaderOptions options = loader_options(flags_.batch);
  options.device = method_->device();
  // On a GPU, images may use the memory that the step leaves free.
  if (options.device.type == DeviceType::cuda)
    options.resident_bytes = std::max<int64_t>(0, available_memory(options.device) / 10 * 9 - plan_.needed());
  options.accumulate = flags_.accumulate;
  TrainingLoader loader(*dataset_, batch_request(), options, position_.step * flags_.accumulate);
  const auto epoch_ends = [&] { return step_in_epoch() == 0 || finished(); };
  // A run that was stopped in an epoch's last step has still to end the epoch, and so has one that ended within it.
  if (!position_.epoch_sums.empty() && epoch_ends()) end_epoch();
  while (!finished()) {
    train_step(loader);
    stop_if_requested();
    if (epoch_ends()) end_epoch();
    if (now() - last_checkpoint_ > 60 * flags_.checkpoint_minutes) save_checkpoint();
  }
  name_bad_files(loader.bad_files());
  if (bad_files_named_ > 0)
    progress_->log(fmt::format("{} files could not be read and were skipped", bad_files_named_));
}

void Trainer::stop_now(int signal) {
  const bool begun = saved_steps_ >= 0;  // without a first checkpoint there is nothing to go on from
  if (begun) save_checkpoint();
  progress_->finish();
  throw Stopped(signal, begun ? fmt::format("stopped after step {}; the same command with --resume goes on from there",
                                            position_.step)
                              : "stopped before the first step; the same command with --resume begins again");
}

void Trainer::train_step(TrainingLoader& loader) {
  step_begun_ = now();
  const StepRates rates{schedule_.at(position_.step), schedule_.peak, decay_schedule_.at(position_.step)};
  training_step_->run({position_.step, schedule_.total_steps, steps_per_epoch_}, rates, [&] { return loader.next(); });
  ++position_.step;
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
                        .epoch = result.step / steps_per_epoch_,
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
  for (size_t t = 0; t < event.terms.size(); ++t) position_.epoch_sums[t + 1] += event.terms[t].second;
  term_names_ = loss_terms(line);
  progress_->update(event.step + 1, fmt::format("epoch {}/{}  loss {:.4f}", event.epoch + 1, flags_.epochs, event.loss),
                    event.images_per_s);
}

// The work at the end of an epoch, or of a run that ends within one. The position counts it as done only when all of it
// is: a run that is stopped meanwhile does all of it again.
void Trainer::end_epoch() {
  record_all_steps();
  log_epoch();
  const int64_t epochs = position_.step / steps_per_epoch_;
  const bool whole = step_in_epoch() == 0;
  const auto due = [&](int64_t every) { return finished() || (whole && every > 0 && epochs % every == 0); };
  // The weights are to blame for features that are not finite.
  if (due(flags_.monitor_every) || due(flags_.eval_every)) require_finite_state();
  if (due(flags_.monitor_every)) look_for_collapse();
  if (due(flags_.eval_every)) evaluate();
  if (whole) position_.epoch_sums.clear();
  if (finished()) return;  // the run's last checkpoint follows
  // Saving a checkpoint also writes the report.
  if (due(flags_.checkpoint_every))
    save_checkpoint();
  else if (due(flags_.monitor_every) || due(flags_.eval_every))
    write_report(folder_.path());
}

void Trainer::log_epoch() {
  const int64_t steps = (position_.step - 1) % steps_per_epoch_ + 1;
  EpochEvent event{.epoch = (position_.step - 1) / steps_per_epoch_, .steps = steps, .of_steps = steps_per_epoch_};
  event.loss = position_.epoch_sums.at(0) / static_cast<double>(steps);
  event.terms = epoch_terms();
  log_->append(event);
}

std::vector<std::pair<std::string, double>> Trainer::epoch_terms() const {
  std::vector<std::pair<std::string, double>> terms;
  if (position_.epoch_sums.empty()) return terms;
  const auto steps = static_cast<double>((position_.step - 1) % steps_per_epoch_ + 1);
  for (size_t t = 0; t < term_names_.size(); ++t)
    terms.emplace_back(term_names_[t], position_.epoch_sums.at(t + 1) / steps);
  return terms;
}

// Makes the same calls as the monitor and the evaluation, so that the predicted memory includes their peak.
void Trainer::evaluate_dry(Method& method) const {
  const int64_t size = flags_.network.size, channels = flags_.network.channels,
                pixels = pixel_size * pixel_size * channels;
  const int64_t train = knn_watch_ ? knn_watch_->train_images() : 0, test = knn_watch_ ? knn_watch_->test_images() : 0;
  const auto embed = [&] {
    const Tensor images = [&] {
      const TagScope tag(MemoryTag::data);
      return Tensor::empty({embedding_batch, size, size, channels}, flags_.common.dtype());
    }();
    int64_t all = 0, widest = 0;
    for (const Space& space : method.embed(images)) {
      all += space.rows.dim(1);
      widest = std::max(widest, space.rows.dim(1));
    }
    return std::pair(all, widest);
  };
  const auto [all, widest] = embed();
  if (!knn_watch_) return;
  const auto compare = [&](int64_t width) {
    const Tensor of_train = Tensor::empty({train, width}), of_test = Tensor::empty({test, width});
    ops::matmul(of_test.rows(0, std::min(knn_block, test)), of_train, {false, true});
  };
  {
    const Tensor features = Tensor::empty({train + test, all});
    embed();
    compare(widest);
  }
  const Tensor raw_pixels = Tensor::empty({train + test, pixels});
  compare(pixels);
}

void Trainer::look_for_collapse() {
  if (!collapse_watch_) return;
  free_step_memory();
  const Targets of_loss = method_->targets();
  TargetMetrics targets{.entropy = NAN,
                        .kl = NAN,
                        .outputs = of_loss.outputs,
                        .what = of_loss.what,
                        .if_uniform = of_loss.if_uniform,
                        .if_one_hot = of_loss.if_one_hot};
  for (const auto& [name, value] : epoch_terms()) {
    if (name == "entropy") targets.entropy = value;
    if (name == "kl") targets.kl = value;
  }
  const auto [event, level] =
      collapse_watch_->look([this](const Tensor& images) { return method_->embed(images); }, epochs_done(), targets);
  log_->append(event);
  write_reconstruction();
  if (level == CollapseVerdict::Level::healthy) return;
  progress_->log(fmt::format("after epoch {}: {}", event.epoch, event.verdict));
  if (level == CollapseVerdict::Level::collapsed && flags_.on_collapse == "stop") {
    save_checkpoint();
    progress_->finish();
    fail("stopped after epoch {} (--on-collapse stop): {}", event.epoch, event.verdict);
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
  const EvalEvent event = knn_watch_->look(*method_, epochs_done());
  log_->append(event);
  progress_->log(fmt::format("after epoch {}: kNN accuracy {:.1f}% (untrained {:.1f}%, raw pixels {:.1f}%)",
                             event.epoch, 100 * event.knn_top1, 100 * event.untrained.value_or(0),
                             100 * event.pixels.value_or(0)));
}

// The images may have changed since the checkpoint, but what the network was trained on must not.
Normalization Trainer::choose_normalization() const {
  const int64_t channels = flags_.network.channels;
  if (flags_.normalization != "data") return Normalization::named(flags_.normalization, channels);
  if (resumed_from_) return read_normalization(resumed_from_->metadata, channels, resumed_from_->path.string());
  return measure_normalization(*dataset_, channels);
}

// Says how many views have lost what they should show, before hours are spent on them.
void Trainer::say_lost_views() {
  const LostViews lost = count_lost_views(*dataset_, batch_request(), flags_.network.channels, flags_.common.seed);
  if (lost.share() < 0.05) return;
  progress_->log(fmt::format("warning: {}; minissl inspect views shows them, and --preset cxr-gentle keeps more",
                             with_flags(lost.sentence())));
}

Batch Trainer::first_batch(int64_t images) const {
  LoaderOptions options = loader_options(std::min({images, flags_.batch, dataset_->size()}));
  options.dtype = DType::f32;
  return TrainingLoader(*dataset_, batch_request(), options).next();
}

void Trainer::write_views() {
  std::vector<Tensor> sheets;
  for (const Tensor& view : first_batch(12).views) sheets.push_back(to_pixels(view, normalization_));
  write_png(folder_ / run_file::views, tile(sheets, 4, 2));
}

void Trainer::write_reconstruction() {
  auto* masked = dynamic_cast<PaintingMethod*>(method_.get());
  if (masked == nullptr) return;
  write_png(folder_ / run_file::reconstruction, reconstruction_picture(*masked, first_batch(9), normalization_));
}

void Trainer::name_bad_files(const std::vector<BadFile>& files) {
  for (; bad_files_named_ < files.size(); ++bad_files_named_)
    progress_->log(fmt::format("skipped {}: {}", files[bad_files_named_].name, files[bad_files_named_].reason));
}

}  // namespace minissl
