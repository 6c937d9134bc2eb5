#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "apps/bench_figures.h"
#include "apps/given_weights.h"
#include "apps/memory_flags.h"
#include "apps/memory_report.h"
#include "apps/method_flags.h"
#include "apps/output_check.h"
#include "apps/run/json_text.h"
#include "apps/step_profile.h"
#include "nn/optimizer.h"
#include "ssl/step/training_step.h"
#include "tensor/atomic_file.h"
#include "tensor/parallel.h"

namespace minissl {
namespace {

struct BenchStep {
  CommonFlags common;
  NetworkFlags network;
  MethodFlags method;
  MemoryFlags memory;
  int64_t batch = 32;
  int steps = 5, warmup = 2;
  bool profile = false, cuda_graph = true;
  std::string trace;

  void run() const;
  void run(const MemoryPlan& plan) const;
};

void BenchStep::run() const {
  require_writable_file(trace, "trace");
  const DeviceScope device = common.apply();
  const DType dtype = common.dtype();
  const StepDescription description = describe_step(method, network, {}, batch, dtype);
  const MemoryPlan plan = memory.plan(description, PlanCostSource::measured);
  if (!common.json && plan.recompute.policy() == RecomputePlan::Policy::chain)
    for (const std::string& line : plan_lines(plan)) fmt::print("{}\n", line);
  with_memory_advice(description, [&] { run(plan); });
}

void BenchStep::run(const MemoryPlan& plan) const {
  const DType dtype = common.dtype();
  const auto net = method.make(network, common.seed, master_type(dtype));
  load_given_weights(*net, std::nullopt);
  const std::unique_ptr<Optimizer> optimizer = make_optimizer({}, net->online(), net->rules());
  TrainingStep step(*net, *optimizer, {.recompute = plan.recompute},
                    cuda_graph ? TrainingStep::Graphs::on : TrainingStep::Graphs::off);
  const BatchRequest request = net->request({}, network.size);
  Batch seen;
  for (int64_t view = 0; view < request.views(); ++view) {
    const int64_t size = request.group_of(view).size;
    seen.views.push_back(
        random_images({batch, size, size, network.channels}, dtype, common.seed, static_cast<uint32_t>(view + 1)));
  }
  seen.drawn = request.drawn({common.seed, 0, batch});
  const bool on_gpu = net->device().type == DeviceType::cuda;
  std::vector<double> milliseconds;
  double last_loss = 0;
  allocator(net->device()).reset_peak();
  std::optional<Profile> profiler;
  if (profile || !trace.empty()) profiler.emplace();
  double profile_begin = 0;
  // On a GPU a sample is the mean of ten steps, because training doesn't wait for each step.
  const int in_sample = on_gpu && !profiler ? 10 : 1;
  for (int i = 0; i < warmup + steps; ++i) {
    if (profiler && i == warmup) {
      profiler->clear();
      profile_begin = profiler->seconds();
    }
    const double taken = milliseconds_of([&] {
      for (int k = 0; k < in_sample; ++k) {
        step.run({i * in_sample + k, (warmup + steps) * in_sample}, optimizer->constant_rates(1e-4),
                 [&] { return seen; });
        while (const auto result = step.result()) last_loss = result->loss;
      }
      while (const auto result = step.result(true)) last_loss = result->loss;
    });
    if (i >= warmup) milliseconds.push_back(taken / in_sample);
  }
  const double profiled_seconds = profiler ? profiler->seconds() - profile_begin : 0;
  if (!trace.empty()) {
    std::ostringstream text;
    write_trace(text, profiler->events());
    write_file(trace, text.str());
  }
  const Spread times(milliseconds);
  const MemoryUsage usage = allocator(net->device()).usage();
  const int64_t peak = peak_bytes(net->device());
  nlohmann::ordered_json result{
      {"peer", "minissl"},
      {"method", method.method()},
      {"arch", network.arch},
      {"batch", batch},
      {"size", network.size},
      {"device", net->device().str()},
      {"threads", threads()},
      {"steps", steps},
      {"warmup", warmup},
      {"img_s", rounded(times.per_second(batch), 100)},
      {"step_ms", {rounded(times.median, 10), rounded(times.least, 10), rounded(times.most, 10)}},
      {"peak_mb", peak >> 20},
      {"loss", rounded(last_loss, 1e4)},
      {"allocator_peak_bytes", usage.peak},
      {"predicted_peak_bytes", plan.memory.usage.peak},
      {"allocator_reserved_bytes", usage.reserved},
      {"predicted_reserved_bytes", plan.memory.usage.reserved}};
  if (common.json) {
    fmt::print("{}\n", json_text(result));
    return;
  }
  fmt::print("{} {} at {}, batch {}: {:.1f} images/s, {:.1f} ms a step (median of {}; {:.1f} to {:.1f})\n",
             method.method(), network.arch, network.size, batch, times.per_second(batch), times.median, steps,
             times.least, times.most);
  fmt::print("memory: {} {}; tensors {}; predicted {}\n", on_gpu ? "device" : "process", format_bytes(peak),
             usage.str(), format_bytes(plan.memory.usage.peak));
  if (profile) fmt::print("\n{}", profile_table(profiler->events(), profiled_seconds, steps));
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App& bench = add_command_group(app, "bench", "Measure speed and memory");
  add_bench_data(bench);
  add_bench_embed(bench);
  const std::string help = "Time training steps on random images";
  add_command_of_each_method(bench, "step", help, [](CLI::App& command, const std::string& name) {
    auto flags = std::make_shared<BenchStep>();
    flags->method = MethodFlags(name);
    add_flag(command, "batch", flags->batch, "images per step", {.range = {1, 1 << 20}});
    add_flag(command, "steps", flags->steps, "samples of a step's time; on a GPU, each the mean of ten steps",
             {.range = {1, 1000000}});
    add_flag(command, "warmup", flags->warmup, "samples to discard first", {.range = {0, 1000000}});
    add_toggle(command, "profile", flags->profile, "also print where the time goes, by operation");
    add_flag(command, "trace", flags->trace, "write the timed steps to this file, for ui.perfetto.dev");
    add_json(command, flags->common.json);
    flags->network.add_to(command);
    flags->method.add_to(command);
    flags->memory.add_to(command);
    flags->common.add_to(command);
    add_cuda_graph(command, flags->cuda_graph);
    set_action(command, [flags] {
      if (flags->common.json && flags->profile)
        throw_wrong_usage("--profile prints a table, which --json leaves out; use --trace, or leave one out");
      flags->run();
    });
  });
}

}  // namespace minissl
