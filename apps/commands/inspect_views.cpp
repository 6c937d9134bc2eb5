#include "apps/open_data.h"
#include "apps/output_check.h"
#include "apps/run/picture.h"
#include "apps/standard_streams.h"
#include "apps/trainer.h"
#include "data/dataset.h"
#include "data/image_statistics.h"

namespace minissl {
namespace {

/// Accepts the flags of `train`, so that --config shows the views of a recipe or a run.
struct InspectViews {
  TrainFlags train;
  std::string out;
  int64_t images = 12;

  void run() const;
  /// The groups of views that the method requests.
  BatchRequest wanted_views() const {
    const DryRun dry_run;
    return {train.method.make(train.network, 0, DType::f32)->views(train.augmentation, train.network.size)};
  }
};

// Shows the first images of a run and their views in its first epoch.
void InspectViews::run() const {
  require(out.ends_with(".png"), "--out {}: the picture is written as .png", out);
  require_writable_file(out);
  const int64_t size = train.network.size, channels = train.network.channels;
  const BatchRequest request = wanted_views();
  request.check();
  const auto dataset = open_labelled_data(train.data, channels, train.common.seed, train.max_value, train.tables);
  const int64_t wanted = std::min(images, dataset->size());
  std::vector<Tensor> sheets{Tensor::empty({wanted, size, size, channels})};
  for (int64_t view = 0; view < request.views(); ++view) {
    const int64_t side = request.group_of(view).size;
    sheets.push_back(Tensor::empty({wanted, side, side, channels}));
  }
  int64_t shown = 0;
  for (const int64_t index : epoch_order(dataset->size(), train.common.seed, 0)) {
    if (shown == wanted) break;
    const Loaded loaded = try_load(*dataset, index);
    if (!loaded.ok()) {
      say(fmt::format("skipped {}: {}", dataset->name(index), loaded.reason));
      continue;
    }
    const Image& image = loaded.image;
    const auto place = [&](const Tensor& sheet, const ViewParameters& view) {
      render_view(image, view, Normalization::none(), sheet.rows(shown, shown + 1).mutable_data<float>());
    };
    place(sheets[0], evaluation_view(image.height(), image.width(), size));
    for (int view = 0; view < request.views(); ++view) {
      const ViewGroup& group = request.group_of(view);
      place(sheets[static_cast<size_t>(view + 1)], draw_view(group.augmentation, image.height(), image.width(),
                                                             group.size, train.common.seed, 0, index, view));
    }
    ++shown;
  }
  require(shown > 0, "{}: none of its images can be read", train.data);
  for (Tensor& sheet : sheets) sheet = to_pixels(sheet.rows(0, shown));
  write_png(out, tile(sheets, 4, 2));
  fmt::print("{} images and {} views of each: {}\n", shown, request.views(), out);
  const LostViews lost = count_lost_views(*dataset, request, channels, train.common.seed);
  fmt::print("{}\n", with_flags(lost.sentence()));
}

}  // namespace

void add_inspect_views(CLI::App& inspect) {
  const std::string help = "Show images next to their augmented views";
  add_command_of_each_method(inspect, "views", help, [](CLI::App& command, const std::string& method) {
    auto flags = std::make_shared<InspectViews>();
    flags->train.method = MethodFlags(method);
    add_flag(command, "out", flags->out, "the picture (.png): image, view 1, view 2, ...; four images a row",
             {.required = true});
    add_flag(command, "images", flags->images, "images to show", {.range = {1, 10000}});
    add_train_flags(command, flags->train);
    set_action(command, [flags] { flags->run(); });
  });
}

}  // namespace minissl
