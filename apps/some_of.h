#pragma once
#include <algorithm>
#include <fmt/ranges.h>
#include <string>
#include <vector>

namespace minissl {

/// The first of many names, and how many more there are: a message stays within a screen.
inline std::string some_of(const std::vector<std::string>& names, size_t shown = 5) {
  const size_t count = std::min(shown, names.size());
  const std::string first =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<int64_t>(count), ", "));
  return names.size() > count ? fmt::format("{} and {} more", first, names.size() - count) : first;
}

}  // namespace minissl
