#include "apps/model_file.h"
#include "apps/output_check.h"
#include "apps/reconstruction_picture.h"
#include "apps/run/picture.h"
#include "apps/standard_streams.h"
#include "apps/trainer.h"
#include "nn/state_file.h"

namespace minissl {
namespace {

struct InspectReconstruct {
  CommonFlags common;
  std::string run, data, out;
  int64_t images = 12;

  void execute() const;
};

void InspectReconstruct::execute() const {
  const std::string picture = out.empty() ? (std::filesystem::path(run) / run_file::reconstruction).string() : out;
  require(picture.ends_with(".png"), "--out {}: the picture is written as .png", picture);
  const DeviceScope device = common.apply();
  const TrainFlags flags = read_train_flags(run);
  require_writable_file(picture);
  const auto method = flags.method.make(flags.network, flags.common.seed, DType::f32);
  auto* painter = dynamic_cast<PaintingMethod*>(method.get());
  require(painter != nullptr, "{}: it trained {}, which paints nothing", run, flags.method.method());
  const SafetensorsReader checkpoint(std::filesystem::path(run) / run_file::last);
  load_state(*method, checkpoint);
  const ModelDescription model = read_description(checkpoint, flags.network);

  const auto dataset = open_run_data(flags, model, data);
  const LoaderOptions options{.batch = std::min(images, dataset->size()),
                              .size = flags.network.size,
                              .channels = flags.network.channels,
                              .seed = flags.common.seed,
                              .workers = flags.workers,
                              .normalization = model.normalization,
                              .max_bad_fraction = flags.max_bad_fraction};
  TrainingLoader loader(*dataset, painter->request(flags.augmentation, flags.network.size), options);
  write_png(picture, reconstruction_picture(*painter, loader.next(), model.normalization));
  say(fmt::format("{} images, as they are and as the network paints them: {}", options.batch, picture));
}

}  // namespace

void add_inspect_reconstruct(CLI::App& inspect) {
  CLI::App& command =
      add_command(inspect, "reconstruct", "Draw images, what was hidden of them and what a run's network paints");
  auto flags = std::make_shared<InspectReconstruct>();
  add_positional(command, "RUN", flags->run, "the folder of a run of mae, spark, beit or dvae");
  add_flag(command, "data", flags->data, "images to draw (default: those of the run)");
  add_flag(command, "out", flags->out, "the picture (.png; default: reconstruction.png in the run's folder)");
  add_flag(command, "images", flags->images, "images to draw", {.range = {1, 1000}});
  flags->common.add_to(command);
  set_action(command, [flags] { flags->execute(); });
}

}  // namespace minissl
