#include "tests/torture/tiny_run.h"

#include <fmt/format.h>
#include <set>

#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tests/apps/repeatable_log.h"

namespace minissl::torture {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

bool has_checkpoint(const fs::path& run) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run, error))
    if (const auto name = entry.path().filename().string();
        name.ends_with(".safetensors") && !name.starts_with("backbone"))
      return true;
  return false;
}

}  // namespace

Command tiny_run(const fs::path& out, const std::vector<std::string>& more) {
  Command command{{"train",
                   "moco",
                   "--data",
                   "synth:32:32",
                   "--channels",
                   "1",
                   "--arch",
                   "resnet18",
                   "--width",
                   "8",
                   "--size",
                   "32",
                   "--batch",
                   "16",
                   "--queue",
                   "16",
                   "--dim",
                   "8",
                   "--epochs",
                   "2",
                   "--warmup-epochs",
                   "1",
                   "--monitor-every",
                   "1",
                   "--monitor-samples",
                   "16",
                   "--eval-train",
                   "synth:12:32:5",
                   "--eval-test",
                   "synth:12:32:6",
                   "--eval-k",
                   "3",
                   "--threads",
                   "2",
                   "--workers",
                   "1",
                   "--checkpoint-minutes",
                   "0",
                   "--checkpoint-every",
                   "1",
                   "--keep",
                   "2",
                   "--out",
                   out.string()}};
  command.arguments.insert(command.arguments.end(), more.begin(), more.end());
  return command;
}

Command resumed(Command command) {
  command.arguments.push_back("--resume");
  return command;
}

Judge::Judge(const fs::path& folder, std::vector<std::string> more)
    : reference_(folder / "reference"), more_(std::move(more)) {
  const Outcome outcome = run(command(reference_), folder);
  require(outcome.status == 0, "the run without an attack fails: {}", outcome.describe());
  seconds_ = outcome.seconds;
}

Verdict Judge::finish(const fs::path& run) const {
  const bool begun = has_checkpoint(run);
  Outcome outcome = torture::run(resumed(command(run)), run.parent_path());
  if (outcome.status == 1 && !begun) outcome = torture::run(command(run), run.parent_path());
  if (outcome.hung) return {Fate::hung, "resume: " + outcome.describe()};
  if (outcome.signal) return {Fate::crashed, "resume: " + outcome.describe()};
  if (outcome.status != 0) return {Fate::lost, "resume: " + outcome.describe()};
  return compare(run);
}

Verdict Judge::compare(const fs::path& run) const {
  const auto wanted = names_in(reference_), found = names_in(run);
  for (const std::string& name : wanted) {
    if (!found.contains(name)) return {Fate::lost, name + " is missing"};
    if (name.ends_with(".safetensors") || name == "config.toml" || name == "views.png")
      if (read_file(reference_ / name) != read_file(run / name)) return {Fate::lost, name + " differs"};
  }
  for (const std::string& name : found)
    if (!wanted.contains(name)) return {Fate::lost, name + " was left behind"};
  if (repeatable_log(reference_) != repeatable_log(run)) return {Fate::lost, "metrics.jsonl differs"};
  return {};
}

Verdict refused_clearly(const Outcome& outcome) {
  const std::string& err = outcome.err;
  if (outcome.hung) return {Fate::hung, outcome.describe()};
  if (outcome.signal || outcome.status >= 126 || err.find("terminate called") != std::string::npos)
    return {Fate::crashed, outcome.describe()};
  if (outcome.status != 1) return {Fate::wrong, outcome.describe()};
  if (err.empty() || err.back() != '\n') return {Fate::wrong, "no line says why: " + outcome.describe()};
  const size_t before = err.rfind('\n', err.size() - 2);
  const std::string last = err.substr(before == std::string::npos ? 0 : before + 1);
  for (const char* raw : {"std::", "basic_string", "bad_alloc", "json.exception"})
    if (last.find(raw) != std::string::npos) return {Fate::wrong, "a message for nobody: " + last};
  // libgomp ends the program by itself where it gets no memory or no thread.
  if (!last.starts_with("minissl: ") && !last.starts_with("libgomp: ")) return {Fate::wrong, outcome.describe()};
  return {};
}

}  // namespace minissl::torture
