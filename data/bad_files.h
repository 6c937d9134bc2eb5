#pragma once
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace minissl {

/// The unreadable images of a data set found so far, each once, in the order in which their batches were delivered. May
/// be used from any thread.
class BadFiles {
 public:
  /// `max_fraction` of all images may be unreadable: of `dataset.whole_size()`, so that a sample of a good data set
  /// isn't refused because bad files happen to be in it.
  BadFiles(const Dataset& dataset, double max_fraction);

  int64_t allowed() const { return allowed_; }
  void record(const BadFile& file);
  std::vector<BadFile> list() const;
  /// Throws Error, naming the first, if more than `allowed` were recorded.
  void check() const;

 private:
  const int64_t images_;
  const double max_fraction_;
  const int64_t allowed_;
  mutable std::mutex mutex_;
  std::set<int64_t> known_;
  std::vector<BadFile> files_;
};

}  // namespace minissl
