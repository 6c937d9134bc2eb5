#include "apps/open_data.h"
#include "apps/option_flags.h"
#include "apps/standard_streams.h"
#include "apps/trainer.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

std::string config_of(const CLI::App& command, const std::string& method, const TrainFlags& flags) {
  return fmt::format("# minissl train {0} --config THIS_FILE --out NEW_FOLDER repeats this run\nmethod = \"{0}\"\n",
                     method) +
         to_toml(command, {"out", "resume", "resume-from", "accept-changed-data"},
                 {{"threads", std::to_string(flags.common.resolved_threads())},
                  {"warmup-epochs", fmt::format("{}", flags.resolved_warmup_epochs())}});
}

// Whether any views of the method are cropped as --crop-scale says.
bool takes_crop_scale(const TrainFlags& f) {
  const DryRun dry_run;
  const auto groups = f.method.make(f.network, 0, DType::f32)->views(f.augmentation, f.network.size);
  return std::any_of(groups.begin(), groups.end(), [&](const ViewGroup& group) {
    return group.augmentation.crop_scale == f.augmentation.crop_scale;
  });
}

// Says which of the given flags the others leave without an effect.
void say_idle_flags(const CLI::App& command, const TrainFlags& f) {
  const auto idle = [&](bool without_effect, const std::vector<std::string>& flags, const std::string& why) {
    if (!without_effect) return;
    for (const std::string& flag : idle_flags(command, flags))
      say(fmt::format("warning: {} has no effect {}", flag, why));
  };
  const std::string& optimizer = f.optimizer.kind;
  idle(optimizer != "sgd" && optimizer != "lars", {"sgd-momentum"}, "with --optimizer " + optimizer);
  idle(optimizer != "lars", {"trust"}, "with --optimizer " + optimizer);
  idle(optimizer != "adamw", {"adamw-beta1", "adamw-beta2"}, "with --optimizer " + optimizer);
  if (!idle_flags(command, {"crop-scale"}).empty())
    idle(!takes_crop_scale(f), {"crop-scale"}, "with " + f.method.method() + ", whose crops have scales of their own");
  idle(f.monitor_every == 0, {"monitor-samples", "on-collapse"}, "with --monitor-every 0");
  idle(f.eval_train.empty(), {"eval-classes", "eval-every", "eval-k", "eval-temperature", "eval-features"},
       "without --eval-train");
  idle(f.tables.labels.empty(), {"uncertain"}, "without --labels");
  idle(f.checkpoint_every == 0, {"keep"}, "with --checkpoint-every 0");
  idle(f.network.channels == 1, {"saturation", "hue", "gray-prob"}, "on gray images (--channels 1)");
}

}  // namespace

void add_train_flags(CLI::App& command, TrainFlags& f) {
  add_flag(command, "data", f.data, data_help, {.required = true});
  f.tables.add_to(command);
  begin_group(command, "Training");
  constexpr Range epochs{1, 1e9}, every{0, 1e9};
  add_flag(command, "epochs", f.epochs, "passes over the data", {.range = epochs});
  add_flag(command, "batch", f.batch, "images per batch", {.range = {2, 1 << 20}});
  add_flag(command, "steps", f.steps, "stop after this many optimizer steps (0: no limit)", {.range = {0, 1e15}});
  add_flag(command, "accumulate", f.accumulate, "batches per optimizer step", {.range = {1, 1 << 20}});
  add_option_flags(command, [&o = f.optimizer](OptionVisitor& visitor) { o.visit(visitor); });
  add_flag(command, "weight-decay-end", f.weight_decay_end,
           "final weight decay, reached along a cosine (negative: constant)", {.range = Range::at_least(-1)});
  add_flag(command, "lr", f.lr, "peak learning rate", {.range = Schedule::peak_range});
  add_flag(command, "warmup-epochs", f.warmup_epochs, "epochs of linear warmup (default: a tenth of all, at most 10)",
           {.range = every});
  add_flag(command, "schedule", f.schedule, "the learning rate after its warmup", {.one_of = Schedule::kinds()});
  add_flag(command, "clip-norm", f.clip_norm, "bound on the gradient's norm (0: off)", {.range = Range::at_least(0)});
  f.network.add_to(command);
  f.method.add_to(command);
  f.memory.add_to(command);
  begin_group(command, "Augmentation");
  add_option_flags(command, [&a = f.augmentation](OptionVisitor& visitor) { a.visit(visitor); });
  begin_group(command, "Monitoring");
  add_flag(command, "monitor-every", f.monitor_every, "epochs between collapse checks (0: off)", {.range = every});
  add_flag(command, "monitor-samples", f.monitor_samples, "images to check", {.range = monitor_samples_range});
  add_flag(command, "on-collapse", f.on_collapse,
           "when the embeddings collapse; variance: adds the variance term to the loss with weight 1",
           {.one_of = {"warn", "stop", "variance"}});
  add_flag(command, "eval-train", f.eval_train, "labelled training images for k nearest neighbours");
  add_flag(command, "eval-test", f.eval_test, "labelled test images for k nearest neighbours");
  add_flag(command, "eval-classes", f.eval_classes,
           "only these classes, a,b,c; shared: those that both sets have, and labelled images alone",
           {.check = [](const std::string& value) { list_of_classes(value); }});
  add_flag(command, "eval-every", f.eval_every, "epochs between evaluations (0: before and after training)",
           {.range = every});
  add_option_flags(
      command, [&knn = f.eval_knn](OptionVisitor& visitor) { knn.visit(visitor); }, "eval-");
  add_flag(command, "eval-features", f.eval_features, "space of the neighbours",
           {.one_of = {"backbone", "projection"}});
  begin_group(command, "Checkpoints");
  add_flag(command, "checkpoint-every", f.checkpoint_every, "epochs between checkpoints that are kept (0: none)",
           {.range = every});
  add_flag(command, "keep", f.keep, "number of checkpoints to keep (0: all)", {.range = every});
  add_flag(command, "checkpoint-minutes", f.checkpoint_minutes, "minutes between updates of last.safetensors",
           {.range = every});
  begin_group(command, "Data");
  add_flag(command, "workers", f.workers, "threads for decoding and augmentation", {.range = workers_range});
  add_flag(command, "max-bad-fraction", f.max_bad_fraction, "fraction of the files that may be unreadable",
           {.range = fraction_range});
  add_flag(command, "normalization", f.normalization, "mean and deviation of the colours",
           {.one_of = Normalization::names()});
  add_flag(command, "max-value", f.max_value,
           "white level of 16-bit images (0: the smallest of 255, 1023, 4095, 16383 and 65535 that fits the data)",
           {.range = white_level_range});
  begin_group(command);
  f.common.add_to(command);
  add_cuda_graph(command, f.cuda_graph);
}

TrainFlags read_train_flags(const std::filesystem::path& run) {
  const std::string path = (run / "config.toml").string();
  std::vector<std::string> arguments = flags_of(read_file(path));
  TrainFlags flags;
  const auto named = std::find_if(arguments.begin(), arguments.end(),
                                  [](const std::string& argument) { return argument.starts_with("--method="); });
  require(named != arguments.end(), "{}: it names no method; it was not written by minissl train", path);
  flags.method = MethodFlags(named->substr(std::string("--method=").size()));
  arguments.erase(named);
  // The backbone's own flags depend on it.
  for (const std::string& argument : arguments)
    if (argument.starts_with("--arch=")) flags.network = NetworkFlags(argument.substr(std::string("--arch=").size()));
  read_flags([&](CLI::App& app) { add_train_flags(app, flags); }, arguments, path);
  flags.out = run.string();
  return flags;
}

std::unique_ptr<Dataset> open_run_data(const TrainFlags& flags, const ModelDescription& model,
                                       const std::string& data) {
  const int64_t channels = flags.network.channels;
  const int white = flags.max_value ? flags.max_value : model.max_value;
  if (data.empty()) return open_labelled_data(flags.data, channels, flags.common.seed, white, flags.tables);
  return open_data(data, channels, flags.common.seed, white);
}

void add_train(CLI::App& app) {
  add_command_of_each_method(app, "train", "Pretrain an encoder", [](CLI::App& command, const std::string& method) {
    auto flags = std::make_shared<TrainFlags>();
    flags->method = MethodFlags(method);
    add_flag(command, "out", flags->out, "the run's folder", {.required = true});
    add_toggle(command, "resume", flags->resume, "resume from the last checkpoint in the run's folder");
    add_flag(command, "resume-from", flags->resume_from, "resume from this checkpoint, in its folder or in a new one");
    add_toggle(command, "accept-changed-data", flags->accept_changed_data,
               "resume although --data has other images than the run was trained on");
    add_train_flags(command, *flags);
    set_action(command, [flags, &command, method] {
      flags->method.resolve();
      say_idle_flags(command, *flags);
      Trainer(*flags, config_of(command, method, *flags)).run();
    });
  });
}

}  // namespace minissl
