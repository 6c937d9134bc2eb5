#include "apps/run/report.h"

#include <nlohmann/json.hpp>

#include "apps/features.h"
#include "apps/model_file.h"
#include "apps/run/chart.h"
#include "apps/run/comparison.h"
#include "apps/run/picture.h"
#include "apps/run/progress.h"
#include "apps/run/run_folder.h"
#include "apps/run/run_table.h"
#include "eval/collapse.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

struct Monitor {
  CommonFlags common;
  std::string run, data, out;
  int64_t samples = 2048;
  int workers = 1;

  void execute() const;
};

std::vector<fs::path> checkpoints_of(const fs::path& run) {
  std::vector<fs::path> files;
  require(fs::is_directory(run), "--run {}: no such folder", run.string());
  for (const auto& [epochs, file] : epoch_checkpoints(run)) files.push_back(file);
  if (fs::exists(run / run_file::last)) files.push_back(run / run_file::last);
  require(!files.empty(), "--run {}: no checkpoints (epoch_*.safetensors, last.safetensors) in it", run.string());
  return files;
}

void Monitor::execute() const {
  const DeviceScope device = common.apply();
  require(out.empty() || out.ends_with(".png") || out.ends_with(".html"), "--out {}: a chart is .png or .html", out);
  std::vector<Json> events;
  std::vector<CollapseMetrics> history;
  const std::vector<fs::path> files = checkpoints_of(run);
  std::unique_ptr<Dataset> dataset;
  int64_t previous_epochs = -1;
  Progress progress(static_cast<int64_t>(files.size()), "checkpoint");
  for (size_t i = 0; i < files.size(); ++i) {
    PretrainedEncoder encoder(files[i], {}, master_type(common.dtype()));
    const ModelDescription& model = encoder.description();
    require(encoder.has_method(), "{}: not a checkpoint of a run", files[i].string());
    if (model.epochs == previous_epochs) continue;  // last.safetensors repeats the newest epoch_*.safetensors
    previous_epochs = model.epochs;
    if (!dataset) dataset = open_dataset(data, static_cast<int>(model.network.channels), common.seed);
    LoaderOptions options{.batch = embedding_batch,
                          .size = model.network.size,
                          .channels = model.network.channels,
                          .dtype = common.dtype(),
                          .seed = common.seed,
                          .workers = workers};
    options.normalization = model.normalization;
    const Subset chosen = sample(*dataset, samples, common.seed);
    const Features f = extract_features(chosen, options, [&](const Tensor& images) { return encoder.embed(images); });
    MonitorEvent event{.epoch = static_cast<double>(model.epochs)};
    for (const Space& space : f.spaces) event.spaces.emplace_back(space.name, collapse_metrics(space.rows));
    history.push_back(event.spaces.front().second);
    event.verdict = judge_collapse(history).text;
    events.push_back(to_json(event));
    progress.update(static_cast<int64_t>(i + 1), files[i].filename().string());
  }
  progress.finish();
  if (out.ends_with(".png")) write_png(out, draw_monitor(run, events));
  if (out.ends_with(".html")) write_file(out, render_monitor_html(run, events));
  if (common.json) {
    fmt::print("{}\n", Json{{"run", run}, {"checkpoints", events}}.dump());
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
  fmt::print("{}\n", events.back().at("verdict").get<std::string>());
}

}  // namespace

void add_monitor(CLI::App& app) {
  CLI::App& monitor = add_command(app, "monitor", "The collapse metrics over a run's checkpoints");
  auto flags = std::make_shared<Monitor>();
  add_flag(monitor, "run", flags->run, "the run's folder", {.required = true});
  add_flag(monitor, "data", flags->data, "images to embed", {.required = true});
  add_flag(monitor, "out", flags->out, "a chart: .png or .html");
  add_flag(monitor, "samples", flags->samples, "images to check");
  add_flag(monitor, "workers", flags->workers, "decoding threads");
  add_json(monitor, flags->common.json);
  flags->common.add_to(monitor);
  set_action(monitor, [flags] { flags->execute(); });
}

namespace {

struct Report {
  std::vector<std::string> runs;
  std::string out, title;

  void execute() const;
};

void Report::execute() const {
  if (runs.size() == 1) {
    ReportInput input = read_run_folder(runs[0]);
    input.title = title;
    const fs::path file = out.empty() ? fs::path(runs[0]) / "report.html" : fs::path(out);
    write_file(file, render_report(input));
    fmt::print("{}\n", file.string());
    return;
  }
  const std::vector<NamedRun> named = read_runs({runs.begin(), runs.end()});
  if (!out.empty()) write_file(out, render_comparison(title, named));
  fmt::print("{}", run_table(named));
  if (!out.empty()) fmt::print("{}\n", out);
}

}  // namespace

void add_report(CLI::App& app) {
  CLI::App& report =
      add_command(app, "report", "Regenerate a run's report.html, or compare runs in a table and on one page");
  auto flags = std::make_shared<Report>();
  add_positional(report, "runs", flags->runs, "a run's folder, or several to compare");
  add_flag(report, "out", flags->out, "the page (default: report.html in the run's folder; none for several runs)");
  add_flag(report, "title", flags->title, "title of the page");
  set_action(report, [flags] { flags->execute(); });
}

}  // namespace minissl
