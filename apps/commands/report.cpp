#include "apps/run/report.h"

#include "apps/command.h"
#include "apps/output_check.h"
#include "apps/run/comparison.h"
#include "apps/run/run_table.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

struct Report {
  std::vector<std::string> runs;
  std::string out, title;

  void execute() const;
};

void Report::execute() const {
  require_writable_file(out);
  if (runs.size() == 1) {
    ReportInput input = read_run_folder(runs[0]);
    input.title = title;
    const fs::path file = out.empty() ? fs::path(runs[0]) / "report.html" : fs::path(out);
    write_file(file, render_report(input));
    fmt::print("{}\n", file.string());
    return;
  }
  if (out.empty() && !title.empty()) throw_wrong_usage("--title is the page's: name that with --out");
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
