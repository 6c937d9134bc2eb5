#include "tensor/cuda/plan_choices.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

#include "tensor/error.h"

namespace minissl::cuda {

std::string PlanChoices::find(const std::string& problem) const {
  std::ifstream in(file_);
  for (std::string line; std::getline(in, line);)
    if (const size_t tab = line.find('\t'); tab != std::string::npos && line.substr(tab + 1) == problem)
      return line.substr(0, tab);
  return {};
}

std::string PlanChoices::add(const std::string& problem, const std::string& plan) const {
  std::error_code ignored;
  std::filesystem::create_directories(file_.parent_path(), ignored);
  const std::string line = plan + '\t' + problem + '\n';
  // Appended in a single write, so that lines of several processes do not mix.
  const int descriptor = open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool written = descriptor >= 0 && write(descriptor, line.data(), line.size()) == std::ssize(line);
  const int reason = errno;
  if (descriptor >= 0) close(descriptor);
  require(
      written,
      "{}: {}; the choice of convolution plans is kept there, for the same results next time: set MINISSL_PLANS to a "
      "file that can be written",
      file_.string(), std::strerror(reason));
  return find(problem);
}

std::filesystem::path plan_choices_file() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (const auto file = variable("MINISSL_PLANS"); !file.empty()) return file;
  const std::filesystem::path cache = variable("XDG_CACHE_HOME");
  return (cache.empty() ? variable("HOME") / ".cache" : cache) / "minissl/convolutions.txt";
}

}  // namespace minissl::cuda
