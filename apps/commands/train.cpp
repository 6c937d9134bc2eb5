#include "apps/stop_requests.h"
#include "apps/trainer.h"
#include "nn/optimizers/registry.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

std::string config_of(const CLI::App& command, const std::string& method) {
  return fmt::format("# minissl train {0} --config THIS_FILE --out NEW_FOLDER repeats this run\nmethod = \"{0}\"\n",
                     method) +
         to_toml(command, {"out", "resume"});
}

}  // namespace

void add_train_flags(CLI::App& command, TrainFlags& f) {
  add_flag(command, "data", f.data, "a folder of images, a pack of them (data pack), or synth:N generated radiographs",
           {.required = true});
  begin_group(command, "Training");
  add_flag(command, "epochs", f.epochs, "passes over the data");
  add_flag(command, "batch", f.batch, "images in a batch");
  add_flag(command, "steps", f.steps, "stop after that many optimizer steps (0: no limit)");
  add_flag(command, "accumulate", f.accumulate, "batches in an optimizer step");
  add_flag(command, "optimizer", f.optimizer.kind, optimizer_kinds("or"));
  add_flag(command, "lr", f.lr, "learning rate at its peak");
  add_flag(command, "weight-decay", f.optimizer.weight_decay, "of the parameters that --decay-scope names");
  add_flag(command, "weight-decay-end", f.weight_decay_end,
           "where a cosine brings the weight decay by the end of the run (negative: it stays)");
  add_flag(command, "decay-scope", f.optimizer.decay_scope, "all, or weights: neither norms nor biases");
  add_flag(command, "sgd-momentum", f.optimizer.momentum, "of SGD and LARS");
  add_flag(command, "trust", f.optimizer.trust, "coefficient of LARS");
  add_flag(command, "warmup-epochs", f.warmup_epochs, "of a linear rise");
  add_flag(command, "schedule", f.schedule, "cosine or constant");
  add_flag(command, "clip-norm", f.clip_norm, "bound on the gradient's norm (0: off)");
  f.network.add_to(command);
  f.method.add_to(command);
  f.memory.add_to(command);
  begin_group(command, "Augmentation");
  Augmentation& a = f.augmentation;
  add_list(command, "crop-scale", a.crop_scale, "part of the image's area that a view shows: from,to");
  add_flag(command, "rotate", a.rotate, "degrees, either way");
  add_flag(command, "flip", a.flip, "probability");
  add_flag(command, "brightness", a.brightness, "factors within 1 - v and 1 + v");
  add_flag(command, "contrast", a.contrast, "factors within 1 - v and 1 + v");
  add_flag(command, "saturation", a.saturation, "factors within 1 - v and 1 + v");
  add_flag(command, "hue", a.hue, "turns, either way, at most 0.5");
  add_flag(command, "jitter-prob", a.jitter_prob, "probability of these four");
  add_flag(command, "gray-prob", a.gray_prob, "probability");
  add_flag(command, "blur-prob", a.blur_prob, "probability");
  add_flag(command, "noise", a.noise, "quantum noise at full intensity, at most");
  add_flag(command, "solarize-prob", a.solarize_prob, "probability");
  begin_group(command, "Monitoring");
  add_flag(command, "monitor-every", f.monitor_every, "epochs between looks for collapse (0: off)");
  add_flag(command, "monitor-samples", f.monitor_samples, "images looked at");
  add_flag(command, "on-collapse", f.on_collapse,
           "warn, stop, or variance: let the variance term join the loss, with weight 1");
  add_flag(command, "eval-train", f.eval_train, "labelled images for k nearest neighbours to learn from");
  add_flag(command, "eval-test", f.eval_test, "and to be tested on");
  add_flag(command, "eval-every", f.eval_every, "epochs between tests (0: before and after training)");
  add_flag(command, "eval-k", f.eval_k, "neighbours");
  add_flag(command, "eval-temperature", f.eval_temperature, "of their votes");
  add_flag(command, "eval-features", f.eval_features,
           "what neighbours are near in: the backbone's features or projections",
           {.one_of = {"backbone", "projection"}});
  begin_group(command, "Checkpoints");
  add_flag(command, "checkpoint-every", f.checkpoint_every, "epochs between checkpoints that are kept (0: none)");
  add_flag(command, "keep", f.keep, "how many of them (0: all)");
  add_flag(command, "checkpoint-minutes", f.checkpoint_minutes, "minutes between updates of last.safetensors");
  begin_group(command, "Data");
  add_flag(command, "workers", f.workers, "threads that decode and augment");
  add_flag(command, "max-bad-fraction", f.max_bad_fraction, "part of the files that may be unreadable");
  add_flag(command, "normalization", f.normalization, "of the colours: imagenet's or cifar10's mean and deviation");
  add_flag(command, "max-value", f.max_value, "of 16-bit images (0: 1023, 4095, 16383 or 65535, whichever holds them)");
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
    add_toggle(command, "resume", flags->resume, "go on from the last checkpoint in the run's folder");
    add_train_flags(command, *flags);
    set_action(command, [flags, &command, method] {
      take_stop_requests();
      Trainer(*flags, config_of(command, method)).run();
    });
  });
}

}  // namespace minissl
