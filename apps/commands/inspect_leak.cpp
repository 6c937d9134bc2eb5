#include <nlohmann/json.hpp>

#include "apps/model_file.h"
#include "apps/run/json_text.h"
#include "apps/trainer.h"
#include "nn/state_file.h"
#include "ssl/leak.h"

namespace minissl {
namespace {

struct InspectLeak {
  CommonFlags common;
  std::string run, data;
  int64_t batches = 8;

  void execute() const;
};

void InspectLeak::execute() const {
  const DeviceScope device = common.apply();
  const TrainFlags flags = read_train_flags(run);
  const auto method = flags.method.make(flags.network, flags.common.seed, master_type(common.dtype()));
  auto* moco = dynamic_cast<MoCo*>(method.get());
  require(moco != nullptr, "--run {}: it trained {}; a leak is a matter of moco, whose keys are told from a queue's",
          run, flags.method.method());
  const SafetensorsReader checkpoint(std::filesystem::path(run) / "last.safetensors");
  load_state(*method, checkpoint);
  const ModelDescription model = read_description(checkpoint, flags.network);

  const auto dataset = open_run_data(flags, model, data);
  const LoaderOptions options{.batch = flags.batch,
                              .size = flags.network.size,
                              .channels = flags.network.channels,
                              .dtype = common.dtype(),
                              .seed = common.seed,
                              .workers = flags.workers,
                              .normalization = model.normalization,
                              .max_bad_fraction = flags.max_bad_fraction};
  TrainingLoader loader(*dataset, moco->request(flags.augmentation, flags.network.size), options);
  // No image occurs twice, because it would compete with itself.
  const int64_t count = std::min(batches, loader.batches_per_epoch());
  require(count > 1, "{} images make {} batches of {}; a leak shows between two or more: name more images with --data",
          dataset->size(), count, flags.batch);
  std::vector<Batch> seen;
  for (int64_t b = 0; b < count; ++b) {
    seen.push_back(loader.next());
    for (Tensor& view : seen.back().views) view = view.to(moco->device());
  }
  const LeakMeasurement leak = measure_leak(*moco, seen, common.seed);
  if (common.json) {
    fmt::print("{}\n", json_text({{"run", run},
                                  {"images", leak.images},
                                  {"batches", leak.batches},
                                  {"as_trained", leak.as_trained},
                                  {"permuted", leak.permuted},
                                  {"standard_error", leak.standard_error},
                                  {"leaks", leak.leaks()},
                                  {"sentence", with_flags(leak.sentence())}}));
    return;
  }
  fmt::print("contrastive accuracy among {} images in {} batches, in training mode\n", leak.images, leak.batches);
  fmt::print("  keys normalised in their queries' batches   {:5.1f}%\n", 100 * leak.as_trained);
  fmt::print("  keys normalised among all batches' images   {:5.1f}%\n", 100 * leak.permuted);
  fmt::print("{}\n", with_flags(leak.sentence()));
}

}  // namespace

void add_inspect_leak(CLI::App& inspect) {
  CLI::App& leak =
      add_command(inspect, "leak", "Check whether a MoCo run's encoders recognise keys by batch statistics");
  auto flags = std::make_shared<InspectLeak>();
  add_flag(leak, "run", flags->run, "the run's folder", {.required = true});
  add_flag(leak, "data", flags->data, "images to check (default: those of the run)");
  add_flag(leak, "batches", flags->batches, "batches to distinguish", {.range = {2, 1000000}});
  add_json(leak, flags->common.json);
  flags->common.add_to(leak);
  set_action(leak, [flags] { flags->execute(); });
}

}  // namespace minissl
