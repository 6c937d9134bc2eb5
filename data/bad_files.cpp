#include "data/bad_files.h"

namespace minissl {

BadFiles::BadFiles(const Dataset& dataset, double max_fraction)
    : images_(dataset.whole_size()),
      max_fraction_(max_fraction),
      allowed_(static_cast<int64_t>(max_fraction * static_cast<double>(images_))) {
  require(max_fraction >= 0 && max_fraction <= 1, "`max-bad-fraction` is in [0, 1], not {}", max_fraction);
}

void BadFiles::record(const BadFile& file) {
  const std::lock_guard lock(mutex_);
  if (known_.insert(file.index).second) files_.push_back(file);
}

std::vector<BadFile> BadFiles::list() const {
  const std::lock_guard lock(mutex_);
  return files_;
}

void BadFiles::check() const {
  const std::lock_guard lock(mutex_);
  const auto count = static_cast<int64_t>(files_.size());
  if (count <= allowed_) return;
  std::string first;
  constexpr int64_t shown = 3;
  for (int64_t i = 0; i < std::min(shown, count); ++i) {
    const BadFile& file = files_[static_cast<size_t>(i)];
    first += fmt::format("{}{} ({})", first.empty() ? "" : ", ", file.name, file.reason);
  }
  fail(
      "{} of {} images can't be read, more than `max-bad-fraction` {} allows: {}{}; repair or remove them, or raise it",
      count, images_, max_fraction_, first, count > shown ? ", ..." : "");
}

}  // namespace minissl
