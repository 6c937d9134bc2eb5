#include "apps/resume.h"

#include <algorithm>
#include <fmt/ranges.h>

#include "apps/run/metrics_log.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

std::string advice(const RunFolder& folder) {
  const std::optional<CheckpointSummary> good = newest_good_checkpoint(folder.path());
  if (!good) return "there is no good checkpoint; restore the file, or begin another run in another --out";
  return fmt::format("the newest good checkpoint is that of step {}: --resume-from {} goes on from it",
                     good->position.step, good->path.string());
}

bool has_steps(const fs::path& metrics) {
  const std::vector<Json> events = read_metrics(metrics);
  return std::any_of(events.begin(), events.end(), [](const Json& event) { return is_event(event, "step"); });
}

// Whether the backbone in the folder was trained. The first is written together with the first checkpoint.
bool has_trained_backbone(const fs::path& file) {
  const SafetensorsReader reader(file);
  const auto epochs = reader.metadata().find("epochs");
  return epochs == reader.metadata().end() || epochs->second != "0";
}

// Whether the run ended before its first checkpoint, so that there is nothing to lose.
bool has_not_begun(const RunFolder& folder) {
  if (folder.has(run_file::last) || !epoch_checkpoints(folder.path()).empty()) return false;
  if (folder.has(run_file::metrics) && has_steps(folder / run_file::metrics)) return false;
  return !folder.has(run_file::backbone) || !has_trained_backbone(folder / run_file::backbone);
}

CheckpointSummary last_checkpoint(const RunFolder& folder) {
  const fs::path last = folder / run_file::last;
  require(folder.has(run_file::last), "{}: is missing; {}", last.string(), advice(folder));
  CheckpointSummary summary = [&] {
    try {
      return read_checkpoint(last);
    } catch (const OutOfMemory&) {
      throw;
    } catch (const Error& e) {
      fail("{}; {}", e.what(), advice(folder));
    }
  }();
  require(folder.has(run_file::metrics),
          "{}: is missing; restore it, or go on in another folder with --resume-from {} --out FOLDER",
          (folder / run_file::metrics).string(), last.string());
  return summary;
}

}  // namespace

std::optional<CheckpointSummary> checkpoint_to_resume(const RunFolder& folder, bool resume,
                                                      const std::string& resume_from) {
  const std::string where = folder.path().string();
  if (!resume_from.empty()) {
    CheckpointSummary summary = read_checkpoint(resume_from);
    std::error_code error;
    const fs::path parent = fs::absolute(resume_from).parent_path();
    require(folder.files().empty() || fs::equivalent(parent, folder.path(), error),
            "--resume-from {}: there is another run in {}; choose another --out", resume_from, where);
    return summary;
  }
  if (folder.files().empty() || (resume && has_not_begun(folder))) return std::nullopt;
  require(resume, "{}: there is a run in it ({}); go on with --resume, or choose another --out", where,
          fmt::join(folder.files(), ", "));
  return last_checkpoint(folder);
}

}  // namespace minissl
