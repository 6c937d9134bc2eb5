#include "tests/apps/made_up_run.h"

#include <cmath>

namespace minissl {

std::vector<Json> made_up_events(int64_t epochs, int64_t steps_each_epoch, bool collapse) {
  std::vector<Json> events;
  uint32_t state = 1;
  const auto noise = [&state] {  // -1 to 1
    state = state * 1664525u + 1013904223u;
    return static_cast<double>(state >> 8) / (1u << 23) - 1;
  };
  const int64_t steps = epochs * steps_each_epoch;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    double contrast_sum = 0, variance_sum = 0;
    for (int64_t i = 0; i < steps_each_epoch; ++i) {
      const int64_t step = epoch * steps_each_epoch + i;
      const double t = static_cast<double>(step) / static_cast<double>(steps);
      const double contrast = 8.3 + 2.6 * std::exp(-12 * t) * (1 - std::exp(-200 * t)) - 2.4 * t + 0.12 * noise();
      const double variance = 0.55 * std::exp(-6 * t) + 0.08 + 0.01 * noise();
      const double warmup = std::fmin(1, 10 * t);
      contrast_sum += contrast;
      variance_sum += variance;
      events.push_back(to_json(StepEvent{.step = step,
                                         .epoch = epoch,
                                         .loss = contrast + variance,
                                         .terms = {{"contrastive", contrast}, {"variance", variance}},
                                         .lr = 1e-3 * warmup * 0.5 * (1 + std::cos(3.14159265 * t)),
                                         .images_per_s = 812 + 9 * noise(),
                                         .seconds = 0.31 * static_cast<double>(step)}));
    }
    const auto count = static_cast<double>(steps_each_epoch);
    events.push_back(
        to_json(EpochEvent{.epoch = epoch,
                           .loss = (contrast_sum + variance_sum) / count,
                           .terms = {{"contrastive", contrast_sum / count}, {"variance", variance_sum / count}}}));
    const double t = static_cast<double>(epoch + 1) / static_cast<double>(epochs);
    if ((epoch + 1) % 5 == 0) {
      const double spread = collapse ? 0.42 * std::exp(-4.5 * t) : 0.14 + 0.16 * std::exp(-6 * t) + 0.075 * t;
      const double directions = collapse ? 0.9 * std::exp(-2.5 * t) : 0.78 + 0.05 * t;
      events.push_back(to_json(MonitorEvent{
          .epoch = static_cast<double>(epoch + 1),
          .spaces = {{"backbone",
                      {.std = spread + 0.004 * noise(),
                       .mean_cos = collapse ? 0.35 + 0.6 * t : 0.67 - 0.24 * std::sqrt(t),
                       .eff_rank = (collapse ? 175 - 140 * t : 130 + 90 * std::sqrt(t)) + 2 * noise(),
                       .std_normalized = directions + 0.01 * noise(),
                       .norm = 9 * std::exp(-0.4 * t)}},
                     {"projection",
                      {.std = 1.02 - 0.1 * t + 0.01 * noise(),
                       .mean_cos = 0.12 * std::exp(-3 * t) + 0.01 * noise(),
                       .eff_rank = 84 + 14 * t + noise(),
                       .std_normalized = 0.96 - 0.02 * t,
                       .norm = 11.4 + 0.1 * noise()}}},
          .verdict = collapse && t > 0.4
                         ? "collapsing: the backbone's spread fell below a quarter of its peak and goes on falling"
                         : "healthy: the spread of both spaces is steady"}));
    }
    if ((epoch + 1) % 10 == 0)
      events.push_back(to_json(EvalEvent{.epoch = static_cast<double>(epoch + 1),
                                         .knn_top1 = collapse ? 0.62 - 0.1 * t : 0.84 - 0.3 * std::exp(-4 * t),
                                         .untrained = 0.561,
                                         .pixels = 0.507}));
  }
  MemoryUsage usage;
  usage.peak = int64_t{9'870} << 20;
  usage.at_peak_by_tag = {91 << 20, 45 << 20, 180 << 20, int64_t{7'900} << 20, 0, int64_t{1'500} << 20,
                          32 << 20, 122 << 20};
  usage.peak_by_tag = {91 << 20, 91 << 20, 180 << 20, int64_t{7'900} << 20, 0, int64_t{1'700} << 20,
                       32 << 20, 140 << 20};
  events.push_back(to_json(MemoryEvent{.device = "cuda:0", .usage = usage}));
  return events;
}

CollapseMetrics looks_like(double norm, double mean_cos, double eff_rank) {
  constexpr int64_t count = 2048, dim = 512;
  const double directions = std::sqrt((1 - mean_cos) / static_cast<double>(dim));
  return {.std = norm * directions,
          .mean_cos = mean_cos,
          .eff_rank = eff_rank,
          .std_normalized = directions,
          .norm = norm,
          .count = count,
          .dim = dim};
}

std::string made_up_config() {
  return R"(# minissl train
method = "moco"
arch = "resnet18"
stem = "imagenet"
channels = 1
size = 224
dim = 128
head = "mlp"
queue = 65536
momentum = 0.999
temperature = 0.07
variance-weight = 1.0
symmetric = "off"
bn = "plain"
data = "datasets/chest x-rays/<train> & \"more\""
out = "runs/moco-r18"
epochs = 200
batch = 256
steps = 0
optimizer = "adamw"
lr = 0.001
weight-decay = 0.0001
warmup-epochs = 10
schedule = "cosine"
clip-norm = 0
accumulate = 1
crop-scale = [0.08, 1]
rotate = 10
flip = 0.5
brightness = 0.8
contrast = 0.8
saturation = 0
hue = 0
jitter-prob = 0.8
gray-prob = 0
blur-prob = 0.5
noise = 0.1
solarize-prob = 0
recompute = "none"
monitor-every = 5
monitor-samples = 2048
on-collapse = "warn"
checkpoint-every = 25
keep = 3
device = "cuda:0"
precision = "bf16"
threads = 16
seed = 0
)";
}

}  // namespace minissl
