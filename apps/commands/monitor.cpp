#include <nlohmann/json.hpp>

#include "apps/checkpoint.h"
#include "apps/model_file.h"
#include "apps/open_data.h"
#include "apps/output_check.h"
#include "apps/run/chart.h"
#include "apps/run/json_text.h"
#include "apps/run/picture.h"
#include "apps/run/progress.h"
#include "apps/run/report.h"
#include "apps/run/run_folder.h"
#include "apps/run/verdict.h"
#include "apps/watch.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

/// What one network looked like.
struct Seen {
  Json event;
  CollapseVerdict::Level level;
};

struct Monitor {
  CommonFlags common;
  std::string run, data, out;
  int64_t samples = 2048;
  int workers = 1;

  void execute() const;
  /// The looks at the untrained network and then at each checkpoint.
  std::vector<Seen> look(const std::vector<fs::path>& files) const;
  LoaderOptions loader_options(const ModelDescription& model) const;
};

std::vector<fs::path> checkpoints_of(const fs::path& run) {
  std::vector<fs::path> files;
  require(fs::is_directory(run), "--run {}: no such folder", run.string());
  for (const auto& [epochs, file] : epoch_checkpoints(run)) files.push_back(file);
  if (fs::exists(run / run_file::last)) files.push_back(run / run_file::last);
  require(!files.empty(), "--run {}: no checkpoints (epoch_*.safetensors, last.safetensors) in it", run.string());
  return files;
}

// The last look of the run's own monitor.
std::optional<Json> last_look_of_training(const fs::path& run) {
  const fs::path log = run / run_file::metrics;
  if (!fs::exists(log)) return std::nullopt;
  std::optional<Json> last;
  for (const Json& event : read_metrics(log))
    if (is_event(event, "monitor") && event.contains("verdict") && event.at("verdict").is_string()) last = event;
  return last;
}

LoaderOptions Monitor::loader_options(const ModelDescription& model) const {
  return {.batch = embedding_batch,
          .size = model.network.size,
          .channels = model.network.channels,
          .dtype = common.dtype(),
          .seed = common.seed,
          .workers = workers,
          .normalization = model.normalization};
}

std::vector<Seen> Monitor::look(const std::vector<fs::path>& files) const {
  const DType dtype = master_type(common.dtype());
  std::vector<Seen> looks;
  std::unique_ptr<Dataset> dataset;
  std::unique_ptr<CollapseWatch> watch;
  const auto look_at = [&](PretrainedEncoder& encoder, int64_t epochs) {
    const auto [event, level] = watch->look([&](const Tensor& images) { return encoder.embed(images); }, epochs);
    looks.push_back({to_json(event), level});
  };
  int64_t previous_step = -1;
  Progress progress(static_cast<int64_t>(files.size()), "checkpoint");
  for (size_t i = 0; i < files.size(); ++i) {
    PretrainedEncoder encoder(files[i], {}, dtype);
    const ModelDescription& model = encoder.description();
    require(encoder.has_method(), "{}: not a checkpoint of a run", files[i].string());
    if (!watch) {
      dataset = open_data(data, model.network.channels, common.seed, model.max_value);
      watch = std::make_unique<CollapseWatch>(*dataset, samples, loader_options(model));
      PretrainedEncoder untrained = PretrainedEncoder::untrained(model, dtype);
      look_at(untrained, 0);
    }
    const int64_t step = read_checkpoint(files[i]).position.step;
    if (step == previous_step) continue;  // last.safetensors repeats the newest epoch_*.safetensors
    previous_step = step;
    if (step == 0)
      looks.push_back(looks.front());  // the same network; a second look would count as training without effect
    else
      look_at(encoder, model.epochs);
    progress.update(static_cast<int64_t>(i + 1), files[i].filename().string());
  }
  progress.finish();
  return looks;
}

// The worse of two verdicts on a run, its own if they are equally bad.
void take_worse(Json& last, CollapseVerdict::Level level, const Json& of_training) {
  const auto severity = [](CollapseVerdict::Level of) {
    return of == CollapseVerdict::Level::healthy ? Severity::healthy
           : of == CollapseVerdict::Level::watch ? Severity::warning
                                                 : Severity::collapsed;
  };
  const auto words = of_training.at("verdict").get<std::string>();
  if (severity_of(words) > severity(level)) last["verdict"] = words;
}

void Monitor::execute() const {
  const DeviceScope device = common.apply();
  require(out.empty() || out.ends_with(".png") || out.ends_with(".html"), "--out {}: a chart is .png or .html", out);
  require_writable_file(out);
  std::vector<Seen> looks = look(checkpoints_of(run));
  const std::optional<Json> training = last_look_of_training(run);
  if (training) take_worse(looks.back().event, looks.back().level, *training);
  std::vector<Json> events;
  for (Seen& seen : looks) events.push_back(std::move(seen.event));
  const auto verdict = events.back().at("verdict").get<std::string>();
  if (out.ends_with(".png")) write_png(out, draw_monitor(run, events));
  if (out.ends_with(".html")) write_file(out, render_monitor_html(run, events));
  if (common.json) {
    Json result{{"run", run},
                {"untrained", events.front()},
                {"checkpoints", std::vector<Json>(events.begin() + 1, events.end())},
                {"verdict", verdict}};
    if (training) result["training"] = {{"epoch", training->at("epoch")}, {"verdict", training->at("verdict")}};
    fmt::print("{}\n", json_text(result));
    return;
  }
  fmt::print("{:>6}  {:<10} {:>8} {:>14} {:>8} {:>9} {:>9}\n", "epoch", "space", "std", "std_normalized", "norm",
             "mean_cos", "eff_rank");
  for (const Json& event : events)
    for (const auto& [space, m] : event.items()) {
      if (!m.is_object()) continue;
      fmt::print("{:>6}  {:<10} {:>8.4f} {:>14.4f} {:>8.3f} {:>9.4f} {:>9.1f}\n", event.at("epoch").get<int64_t>(),
                 space, number(m, "std"), number(m, "std_normalized"), number(m, "norm"), number(m, "mean_cos"),
                 number(m, "eff_rank"));
    }
  if (training)
    fmt::print("the run's own monitor, after epoch {}: {}\n", training->at("epoch").get<double>(),
               training->at("verdict").get<std::string>());
  fmt::print("{}\n", verdict);
}

}  // namespace

void add_monitor(CLI::App& app) {
  CLI::App& monitor = add_command(app, "monitor", "The collapse metrics over a run's checkpoints");
  auto flags = std::make_shared<Monitor>();
  add_flag(monitor, "run", flags->run, "the run's folder", {.required = true});
  add_flag(monitor, "data", flags->data, "images to embed", {.required = true});
  add_flag(monitor, "out", flags->out, "a chart: .png or .html");
  add_flag(monitor, "samples", flags->samples, "images to check", {.range = monitor_samples_range});
  add_flag(monitor, "workers", flags->workers, "decoding threads", {.range = workers_range});
  add_json(monitor, flags->common.json);
  flags->common.add_to(monitor);
  set_action(monitor, [flags] { flags->execute(); });
}

}  // namespace minissl
