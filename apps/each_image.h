#pragma once
#include <functional>
#include <string>

#include "apps/run/progress.h"
#include "data/dataset.h"

namespace minissl {

/// What is done with the images of a data set.
struct ImageVisitor {
  /// On any of several threads, in any order; what it throws makes a bad file (try_load).
  std::function<void(int64_t i, Image& image)> prepare = {};
  /// On the calling thread, in order.
  std::function<void(int64_t i, Image& image)> use;
  std::function<void(int64_t i, const std::string& reason, Progress&)> skip;
};

/// Loads images `first` and later on `threads` threads (0: the cores that this process may use), showing the progress.
void for_each_image(const Dataset& dataset, int64_t first, int threads, const ImageVisitor& visitor);

}  // namespace minissl
