#pragma once
#include <algorithm>
#include <fmt/ranges.h>
#include <string>
#include <vector>

#include "tensor/error.h"

/// Entries by name. `Entry` has a `name`.
namespace minissl {

/// The entry with this name. Throws Error, listing the known names, if there is none: "method dino is not known; ...".
template <class Entry>
const Entry& find_entry(const std::vector<Entry>& all, const char* what, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Entry& e) { return e.name == name; });
  if (found != all.end()) return *found;
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const Entry& e : all) names.push_back(e.name);
  fail("{} {} is not known; there are {}", what, name, fmt::join(names, ", "));
}

/// Throws Error if the name is taken.
template <class Entry>
void add_entry(std::vector<Entry>& all, const char* what, Entry entry) {
  for (const Entry& e : all) require(e.name != entry.name, "{} {} is there already", what, entry.name);
  all.push_back(std::move(entry));
}

}  // namespace minissl
