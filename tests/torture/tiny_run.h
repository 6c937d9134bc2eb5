#pragma once
#include "tests/torture/process.h"
#include "tests/torture/tally.h"

/// The run that is attacked: seconds of training with everything on, and the same run as it was never attacked.
namespace minissl::torture {

/// `train` into this folder: two epochs of two steps, a checkpoint after each step, monitor and evaluation. `more`
/// overrides flags.
Command tiny_run(const std::filesystem::path& out, const std::vector<std::string>& more = {});
Command resumed(Command command);

/// Asks what a user would ask: does the run end in the bytes of one never attacked? Resumes it, or begins it if it had
/// not written a checkpoint yet.
class Judge {
 public:
  /// Trains the reference, in `folder`. Throws Error if that fails.
  explicit Judge(const std::filesystem::path& folder, std::vector<std::string> more = {});

  Verdict finish(const std::filesystem::path& run) const;
  /// Whether a finished run is the same: all files but the log's times, and no others.
  Verdict compare(const std::filesystem::path& run) const;
  const std::filesystem::path& reference() const { return reference_; }
  double seconds() const { return seconds_; }
  Command command(const std::filesystem::path& out) const { return tiny_run(out, more_); }

 private:
  std::filesystem::path reference_;
  std::vector<std::string> more_;
  double seconds_ = 0;
};

/// Whether a command that could not do its work said so: status 1, at least one line, the last of them ours.
Verdict refused_clearly(const Outcome& outcome);

}  // namespace minissl::torture
