#pragma once
#include <filesystem>
#include <string>

namespace minissl::cuda {

/// Which plan was chosen for a problem, in a file that outlives the process: measuring takes time, and comes out
/// otherwise the next time, with other bits in the results. A file of lines "plan TAB problem"; the first one for a
/// problem holds.
class PlanChoices {
 public:
  explicit PlanChoices(std::filesystem::path file) : file_(std::move(file)) {}

  /// The plan chosen for a problem; empty when there is none.
  std::string find(const std::string& problem) const;
  /// Adds a choice and returns the one that holds: another process may have been faster. Throws Error, saying what to
  /// do, when the file can't be written.
  std::string add(const std::string& problem, const std::string& plan) const;

  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
};

/// $MINISSL_PLANS, else convolutions.txt in $XDG_CACHE_HOME/minissl or ~/.cache/minissl.
std::filesystem::path plan_choices_file();

}  // namespace minissl::cuda
