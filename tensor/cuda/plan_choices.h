#pragma once
#include <filesystem>
#include <string>

namespace minissl::cuda {

/// The plan chosen for each problem, in a file. Measuring takes time, and its outcome varies, and with it the bits of
/// the results. The file has lines "plan TAB problem"; the first one for a problem counts.
class PlanChoices {
 public:
  explicit PlanChoices(std::filesystem::path file) : file_(std::move(file)) {}

  /// The plan chosen for a problem; empty when there is none.
  std::string find(const std::string& problem) const;
  /// Adds a choice and returns the one that counts, since another process may have been first. Throws Error, saying
  /// what to do, when the file cannot be written.
  std::string add(const std::string& problem, const std::string& plan) const;

  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
};

/// $MINISSL_PLANS, else convolutions.txt in $XDG_CACHE_HOME/minissl or ~/.cache/minissl.
std::filesystem::path plan_choices_file();

}  // namespace minissl::cuda
