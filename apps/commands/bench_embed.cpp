#include <nlohmann/json.hpp>
#include <optional>

#include "apps/bench_figures.h"
#include "apps/features.h"
#include "apps/model_file.h"
#include "apps/run/json_text.h"
#include "apps/step_profile.h"
#include "tensor/parallel.h"

namespace minissl {
namespace {

/// Times a backbone's features of random images, as `embed` computes them, without decoding and writing.
struct BenchEmbed {
  CommonFlags common;
  NetworkFlags network;
  std::string weights;
  int64_t batch = embedding_batch;
  int steps = 5, warmup = 2;
  bool profile = false;

  PretrainedEncoder encoder() const;
  void run() const;
};

PretrainedEncoder BenchEmbed::encoder() const {
  const DType type = master_type(common.dtype());
  if (!weights.empty()) return {std::filesystem::path(weights), network, type};
  ModelDescription description;
  description.network = network;
  description.seed = common.seed;
  return PretrainedEncoder::untrained(description, type);
}

void BenchEmbed::run() const {
  const DeviceScope device = common.apply();
  PretrainedEncoder encoder = this->encoder();
  const NetworkFlags& is = encoder.description().network;
  const Tensor images = random_images({batch, is.size, is.size, is.channels}, common.dtype(), common.seed, 1);
  std::vector<double> milliseconds;
  std::optional<Profile> profiler;
  double profile_begin = 0;
  for (int i = 0; i < warmup + steps; ++i) {
    if (profile && i == warmup) {
      profiler.emplace();
      profile_begin = profiler->seconds();
    }
    const double taken = milliseconds_of([&] { encoder.embed(images).front().rows.to(Device{}); });
    if (i >= warmup) milliseconds.push_back(taken);
  }
  const double profiled_seconds = profiler ? profiler->seconds() - profile_begin : 0;
  const Spread times(milliseconds);
  const MemoryUsage usage = allocator(images.device()).usage();
  const bool on_gpu = images.device().type == DeviceType::cuda;
  const int64_t peak = peak_bytes(images.device());
  if (common.json) {
    fmt::print("{}\n",
               json_text({{"peer", "minissl"},
                          {"arch", is.arch},
                          {"batch", batch},
                          {"size", is.size},
                          {"device", images.device().str()},
                          {"threads", threads()},
                          {"img_s", rounded(times.per_second(batch), 100)},
                          {"batch_ms", {rounded(times.median, 10), rounded(times.least, 10), rounded(times.most, 10)}},
                          {"peak_mb", peak >> 20}}));
    return;
  }
  fmt::print("{} at {}, batch {}: {:.1f} images/s, {:.1f} ms a batch (median of {}; {:.1f} to {:.1f})\n", is.arch,
             is.size, batch, times.per_second(batch), times.median, steps, times.least, times.most);
  fmt::print("memory: {} {}; tensors {}\n", on_gpu ? "device" : "process", format_bytes(peak), usage.str());
  if (profiler) fmt::print("\n{}", profile_table(profiler->events(), profiled_seconds, steps));
}

}  // namespace

void add_bench_embed(CLI::App& bench) {
  CLI::App& command = add_command(bench, "embed", "Time the features of random images");
  auto flags = std::make_shared<BenchEmbed>();
  add_flag(command, "weights", flags->weights, "of the network, as in `embed`; otherwise they are drawn from --seed");
  add_flag(command, "batch", flags->batch, "images per batch", {.range = {1, 1 << 20}});
  add_flag(command, "steps", flags->steps, "batches to time", {.range = {1, 1000000}});
  add_flag(command, "warmup", flags->warmup, "batches to discard first", {.range = {0, 1000000}});
  add_toggle(command, "profile", flags->profile, "also print where the time goes, by operation");
  add_json(command, flags->common.json);
  flags->network.add_to(command);
  flags->common.add_to(command);
  set_action(command, [flags] {
    if (flags->common.json && flags->profile)
      throw_wrong_usage("--profile prints a table, which --json leaves out; leave one out");
    flags->run();
  });
}

}  // namespace minissl
