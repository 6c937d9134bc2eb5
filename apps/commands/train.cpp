#include "apps/trainer.h"
#include "nn/optimizers/registry.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

std::string config_of(const CLI::App& command, const std::string& method) {
  return fmt::format("# minissl train {0} --config THIS_FILE --out NEW_FOLDER repeats this run\nmethod = \"{0}\"\n",
                     method) +
         to_toml(command, {"out", "resume", "resume-from"});
}

}  // namespace

void add_train_flags(CLI::App& command, TrainFlags& f) {
  add_flag(command, "data", f.data, "a folder of images, a pack of them (data pack), or synth:N generated radiographs",
           {.required = true});
  begin_group(command, "Training");
  add_flag(command, "epochs", f.epochs, "passes over the data");
  add_flag(command, "batch", f.batch, "images per batch");
  add_flag(command, "steps", f.steps, "stop after this many optimizer steps (0: no limit)");
  add_flag(command, "accumulate", f.accumulate, "batches per optimizer step");
  add_flag(command, "optimizer", f.optimizer.kind, optimizer_kinds("or"));
  add_flag(command, "lr", f.lr, "peak learning rate");
  add_flag(command, "weight-decay", f.optimizer.weight_decay, "weight decay of the parameters in --decay-scope");
  add_flag(command, "weight-decay-end", f.weight_decay_end,
           "final weight decay, reached along a cosine (negative: constant)");
  add_flag(command, "decay-scope", f.optimizer.decay_scope, "all, or weights (no norms or biases)");
  add_flag(command, "sgd-momentum", f.optimizer.momentum, "momentum of SGD and LARS");
  add_flag(command, "trust", f.optimizer.trust, "trust coefficient of LARS");
  add_flag(command, "warmup-epochs", f.warmup_epochs, "epochs of linear warmup");
  add_flag(command, "schedule", f.schedule, "cosine or constant");
  add_flag(command, "clip-norm", f.clip_norm, "bound on the gradient's norm (0: off)");
  f.network.add_to(command);
  f.method.add_to(command);
  f.memory.add_to(command);
  begin_group(command, "Augmentation");
  Augmentation& a = f.augmentation;
  add_list(command, "crop-scale", a.crop_scale, "fraction of the image's area in a view: from,to");
  add_flag(command, "rotate", a.rotate, "degrees, in either direction");
  add_flag(command, "flip", a.flip, "probability");
  add_flag(command, "brightness", a.brightness, "factors within 1 - v and 1 + v");
  add_flag(command, "contrast", a.contrast, "factors within 1 - v and 1 + v");
  add_flag(command, "saturation", a.saturation, "factors within 1 - v and 1 + v");
  add_flag(command, "hue", a.hue, "turns, in either direction, at most 0.5");
  add_flag(command, "jitter-prob", a.jitter_prob, "probability of these four");
  add_flag(command, "gray-prob", a.gray_prob, "probability");
  add_flag(command, "blur-prob", a.blur_prob, "probability");
  add_flag(command, "noise", a.noise, "maximum quantum noise at full intensity");
  add_flag(command, "solarize-prob", a.solarize_prob, "probability");
  begin_group(command, "Monitoring");
  add_flag(command, "monitor-every", f.monitor_every, "epochs between collapse checks (0: off)");
  add_flag(command, "monitor-samples", f.monitor_samples, "images to check");
  add_flag(command, "on-collapse", f.on_collapse,
           "warn, stop, or variance (adds the variance term to the loss with weight 1)");
  add_flag(command, "eval-train", f.eval_train, "labelled training images for k nearest neighbours");
  add_flag(command, "eval-test", f.eval_test, "labelled test images for k nearest neighbours");
  add_flag(command, "eval-every", f.eval_every, "epochs between evaluations (0: before and after training)");
  add_flag(command, "eval-k", f.eval_k, "neighbours");
  add_flag(command, "eval-temperature", f.eval_temperature, "temperature of the votes");
  add_flag(command, "eval-features", f.eval_features, "space of the neighbours: backbone or projection",
           {.one_of = {"backbone", "projection"}});
  begin_group(command, "Checkpoints");
  add_flag(command, "checkpoint-every", f.checkpoint_every, "epochs between checkpoints that are kept (0: none)");
  add_flag(command, "keep", f.keep, "number of checkpoints to keep (0: all)");
  add_flag(command, "checkpoint-minutes", f.checkpoint_minutes, "minutes between updates of last.safetensors");
  begin_group(command, "Data");
  add_flag(command, "workers", f.workers, "threads for decoding and augmentation");
  add_flag(command, "max-bad-fraction", f.max_bad_fraction, "fraction of the files that may be unreadable");
  add_flag(command, "normalization", f.normalization, "mean and deviation of the colours: imagenet or cifar10");
  add_flag(command, "max-value", f.max_value,
           "white level of 16-bit images (0: the smallest of 1023, 4095, 16383 and 65535 that fits)");
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
  read_flags([&](CLI::App& app) { add_train_flags(app, flags); }, arguments, path);
  flags.out = run.string();
  return flags;
}

void add_train(CLI::App& app) {
  add_command_of_each_method(app, "train", "Pretrain an encoder", [](CLI::App& command, const std::string& method) {
    auto flags = std::make_shared<TrainFlags>();
    flags->method = MethodFlags(method);
    add_flag(command, "out", flags->out, "the run's folder", {.required = true});
    add_toggle(command, "resume", flags->resume, "resume from the last checkpoint in the run's folder");
    add_flag(command, "resume-from", flags->resume_from, "resume from this checkpoint, in its folder or in a new one");
    add_train_flags(command, *flags);
    set_action(command, [flags, &command, method] { Trainer(*flags, config_of(command, method)).run(); });
  });
}

}  // namespace minissl
