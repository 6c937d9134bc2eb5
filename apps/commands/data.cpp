#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/open_data.h"
#include "apps/output_check.h"
#include "apps/run/json_text.h"
#include "apps/run/picture.h"
#include "apps/run/progress.h"
#include "apps/standard_streams.h"
#include "data/prefetcher.h"
#include "data/sources/image_folder.h"
#include "data/sources/pack.h"
#include "data/sources/synth.h"
#include "tensor/parallel.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

int workers_for(int threads) { return threads > 0 ? threads : allowed_threads(); }

// Decodes every image of a data set on several threads and calls use(i, image) or skip(i, reason) in order.
template <class Use, class Skip>
void for_each_image(const Dataset& dataset, int threads, const std::function<Image(Image)>& prepare, Use&& use,
                    Skip&& skip) {
  struct Decoded {
    int64_t first = 0;
    std::vector<Image> images;
    std::vector<std::string> reasons;
  };
  constexpr int64_t group = 16;
  int64_t opened = 0;
  const auto open = [&]() -> std::optional<typename Prefetcher<Decoded>::Opened> {
    const int64_t count = std::min(group, dataset.size() - opened);
    if (count == 0) return std::nullopt;
    Decoded decoded{opened, std::vector<Image>(static_cast<size_t>(count)),
                    std::vector<std::string>(static_cast<size_t>(count))};
    opened += count;
    return {{std::move(decoded), count}};
  };
  const auto fill = [&](Decoded& decoded, int64_t i) {
    const auto at = static_cast<size_t>(i);
    Loaded loaded = try_load(dataset, decoded.first + i);
    decoded.reasons[at] = loaded.reason;
    if (loaded.ok()) decoded.images[at] = prepare(loaded.image);
  };
  Prefetcher<Decoded> decoder(workers_for(threads), 2, open, fill);
  Progress progress(dataset.size(), "image");
  while (const std::optional<Decoded> decoded = decoder.next()) {
    for (size_t i = 0; i < decoded->images.size(); ++i) {
      const int64_t index = decoded->first + static_cast<int64_t>(i);
      if (decoded->reasons[i].empty())
        use(index, decoded->images[i]);
      else
        skip(index, decoded->reasons[i], progress);
    }
    progress.update(decoded->first + static_cast<int64_t>(decoded->images.size()), "");
  }
}

struct Pack {
  std::string data, out;
  int64_t size = 256;
  int channels = 3, max_value = 0, threads = 0;

  void run() const {
    require_writable_file(out);
    const auto dataset = open_data(data, channels, 0, max_value);
    PackWriter writer(out, dataset->class_names());
    int64_t packed = 0;
    for_each_image(
        *dataset, threads, [this](const Image& image) { return shrink(image, size); },
        [&](int64_t i, const Image& image) {
          writer.add(image, dataset->label(i), dataset->name(i));
          ++packed;
        },
        [&](int64_t i, const std::string& reason, Progress& progress) {
          progress.log(fmt::format("skipped {}: {}", dataset->name(i), reason));
        });
    require(packed > 0, "{}: not one image could be read", data);
    writer.commit();
    say(fmt::format("{} of {} images, {} MiB: {}", packed, dataset->size(), fs::file_size(out) >> 20, out));
  }
};

struct Check {
  std::string data;
  int max_value = 0, threads = 0;
  bool json = false;

  void run() const {
    const auto dataset = open_data(data, 3, 0, max_value);
    auto bad = nlohmann::ordered_json::array();
    int64_t ok = 0;
    for_each_image(
        *dataset, threads, [](const Image& image) { return image; }, [&](int64_t, const Image&) { ++ok; },
        [&](int64_t i, const std::string& reason, Progress& progress) {
          bad.push_back({{"path", dataset->name(i)}, {"why", reason}});
          if (!json) progress.log(fmt::format("{}: {}", dataset->name(i), reason));
        });
    if (json)
      fmt::print("{}\n", json_text({{"ok", ok}, {"bad", bad}}));
    else
      fmt::print("{} of {} files can be used\n", ok, dataset->size());
  }
};

struct Synth {
  std::string out;
  int64_t images = 300, size = 128;
  uint64_t seed = 0;

  void run() const {
    require_writable_folder(out);
    const SyntheticRadiographs dataset(images, size, 1, seed);
    Progress progress(images, "image");
    for (int64_t i = 0; i < images; ++i) {
      const fs::path file = fs::path(out) / (dataset.name(i) + ".png");
      fs::create_directories(file.parent_path());
      write_png(file, dataset.load(i).pixels);
      progress.update(i + 1, "");
    }
  }
};

template <class Command>
CLI::App& add(CLI::App& data, const char* name, const char* help, const std::shared_ptr<Command>& flags) {
  CLI::App& command = add_command(data, name, help);
  set_action(command, [flags] { flags->run(); });
  return command;
}

}  // namespace

void add_data(CLI::App& app) {
  CLI::App& data = add_command_group(app, "data", "Prepare or check images");
  const auto common = [](CLI::App& command, auto& flags) {
    add_positional(command, "DATA", flags.data, data_help);
    add_flag(command, "max-value", flags.max_value, "white level of 16-bit files (0: from each file's largest value)",
             {.range = white_level_range});
    add_flag(command, "threads", flags.threads, "decoding threads (0: the cores that this process may use)",
             {.range = threads_range});
  };
  auto pack = std::make_shared<Pack>();
  CLI::App& pack_command = add(data, "pack", "Decode images once, into one file that --data can name", pack);
  common(pack_command, *pack);
  add_flag(pack_command, "out", pack->out, "the file", {.required = true});
  add_flag(pack_command, "size", pack->size, "shorter side in pixels; smaller images stay unchanged",
           {.range = {1, 65535}});
  add_flag(pack_command, "channels", pack->channels, "3, or 1 for gray", {.one_of = {"1", "3"}});

  auto check = std::make_shared<Check>();
  CLI::App& check_command = add(data, "check", "Find unusable files and the reasons", check);
  common(check_command, *check);
  add_json(check_command, check->json);

  add_data_split(data);

  auto synth = std::make_shared<Synth>();
  CLI::App& synth_command = add(data, "synth", "Write generated radiographs, a folder for each class", synth);
  add_flag(synth_command, "out", synth->out, "the folder", {.required = true});
  add_flag(synth_command, "images", synth->images, "number of images", {.range = {1, 0x1p32}});
  add_flag(synth_command, "size", synth->size, "height and width in pixels", {.range = {32, 1024}});
  add_flag(synth_command, "seed", synth->seed, "seed of the radiographs", seed_rules());
}

}  // namespace minissl
