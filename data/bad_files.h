#pragma once
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace minissl {

/// A file of a data set that can't be used.
struct BadFile {
  int64_t index = 0;
  std::string name, reason;
};

/// The unusable files found so far, each once, in the order in which their batches were delivered. May be read from any
/// thread.
class BadFiles {
 public:
  void record(const BadFile& file) {
    const std::lock_guard lock(mutex_);
    if (known_.insert(file.index).second) files_.push_back(file);
  }
  std::vector<BadFile> list() const {
    const std::lock_guard lock(mutex_);
    return files_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<int64_t> known_;
  std::vector<BadFile> files_;
};

}  // namespace minissl
