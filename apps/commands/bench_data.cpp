#include <chrono>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/open_data.h"
#include "apps/option_flags.h"
#include "data/loader.h"

namespace minissl {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Times the loader alone: pairs of views, as a step of MoCo asks for them.
struct BenchData {
  std::string data;
  Augmentation augmentation;
  int64_t size = 224, channels = 3, batch = 64;
  int workers = 1, max_value = 0;
  uint64_t seed = 0;
  double seconds = 5;
  bool json = false;

  void run() const;

 private:
  struct Stage {
    const char* name;
    double milliseconds;  ///< per image: of decoding it, or of a pair of its views
  };
  double pairs_per_second(const Dataset& dataset) const;
  std::vector<Stage> stages(const Dataset& dataset) const;
};

double BenchData::pairs_per_second(const Dataset& dataset) const {
  const LoaderOptions options{.batch = std::min(batch, dataset.size()),
                              .channels = channels,
                              .seed = seed,
                              .workers = workers,
                              .prefetch = workers + 1,
                              .max_bad_fraction = 1};
  TrainingLoader loader(dataset, {{{.size = size, .augmentation = augmentation}}}, options);
  loader.next();  // starts the threads and fills caches
  int64_t images = 0;
  const auto start = Clock::now();
  do {
    loader.next();
    images += options.batch;
  } while (seconds_since(start) < seconds);
  return static_cast<double>(images) / seconds_since(start);
}

// Every stage is timed as the difference that it makes: views are rendered with the first stages alone, then with one
// more, so that the stages add up to the whole.
std::vector<BenchData::Stage> BenchData::stages(const Dataset& dataset) const {
  using Keep = void (*)(ViewParameters&);
  struct Part {
    const char* name;
    Keep without_later;
  };
  static constexpr Part parts[] = {
      {"resample", [](ViewParameters& v) { v.jitter = v.gray = v.solarize = false, v.blur_sigma = v.noise = 0; }},
      {"colour", [](ViewParameters& v) { v.solarize = false, v.blur_sigma = v.noise = 0; }},
      {"blur", [](ViewParameters& v) { v.solarize = false, v.noise = 0; }},
      {"noise, solarize", [](ViewParameters&) {}}};
  double decode = 0, rendered[std::size(parts)] = {};
  int64_t images = 0;
  std::vector<float> pixels(static_cast<size_t>(size * size * channels));
  const Normalization normalization = Normalization::imagenet(channels);
  const auto start = Clock::now();
  for (const int64_t i : epoch_order(dataset.size(), seed, 0)) {
    if (seconds_since(start) > seconds) break;
    const auto begun = Clock::now();
    const Loaded loaded = try_load(dataset, i, channels);
    if (!loaded.ok()) continue;
    decode += seconds_since(begun);
    ++images;
    for (size_t p = 0; p < std::size(parts); ++p)
      for (int view = 0; view < 2; ++view) {
        ViewParameters parameters =
            draw_view(augmentation, loaded.image.height(), loaded.image.width(), size, seed, 0, i, view);
        parts[p].without_later(parameters);
        const auto begun_part = Clock::now();
        render_view(loaded.image, parameters, normalization, pixels.data());
        rendered[p] += seconds_since(begun_part);
      }
  }
  require(images > 0, "--data {}: none of its images can be read", data);
  const double scale = 1e3 / static_cast<double>(images);
  std::vector<Stage> result = {{"decode", decode * scale}};
  for (size_t p = 0; p < std::size(parts); ++p)
    result.push_back({parts[p].name, (rendered[p] - (p ? rendered[p - 1] : 0)) * scale});
  return result;
}

void BenchData::run() const {
  const auto dataset = open_data(data, channels, seed, max_value);
  const double rate = pairs_per_second(*dataset);
  const std::vector<Stage> by_stage = stages(*dataset);
  const double per_core = rate / std::max(workers, 1);
  if (json) {
    nlohmann::ordered_json times = nlohmann::ordered_json::object();
    for (const Stage& stage : by_stage) times[stage.name] = std::round(stage.milliseconds * 1e3) / 1e3;
    fmt::print("{}\n", nlohmann::ordered_json{{"peer", "minissl"},
                                              {"pairs_s", std::round(rate * 10) / 10},
                                              {"pairs_s_per_core", std::round(per_core * 10) / 10},
                                              {"workers", std::max(workers, 1)},
                                              {"images", dataset->size()},
                                              {"size", size},
                                              {"channels", channels},
                                              {"stages_ms", times}}
                           .dump());
    return;
  }
  fmt::print("{:.1f} pairs of views a second, {:.1f} per core ({} threads)\n", rate, per_core, std::max(workers, 1));
  fmt::print("milliseconds an image (a pair of views), in one thread:\n");
  for (const Stage& stage : by_stage) fmt::print("  {:<16} {:7.3f}\n", stage.name, stage.milliseconds);
}

}  // namespace

void add_bench_data(CLI::App& bench) {
  CLI::App& command = add_command(bench, "data", "Time decoding and augmentation alone");
  auto flags = std::make_shared<BenchData>();
  add_flag(command, "data", flags->data, "the images", {.required = true});
  add_flag(command, "size", flags->size, "height and width of the views", {.range = {1, 8192}});
  add_flag(command, "channels", flags->channels, "3, or 1 for gray", {.one_of = {"1", "3"}});
  add_flag(command, "batch", flags->batch, "images per batch", {.range = {1, 1 << 20}});
  add_flag(command, "workers", flags->workers, "threads for decoding and augmentation", {.range = workers_range});
  add_flag(command, "seconds", flags->seconds, "how long to measure", {.range = Range::above(0, 3600)});
  add_flag(command, "max-value", flags->max_value, "white level of 16-bit images (0: detected)",
           {.range = white_level_range});
  add_flag(command, "seed", flags->seed, "seed of the views", seed_rules());
  add_option_flags(command, [&a = flags->augmentation](OptionVisitor& visitor) { a.visit(visitor); });
  add_json(command, flags->json);
  set_action(command, [flags] { flags->run(); });
}

}  // namespace minissl
