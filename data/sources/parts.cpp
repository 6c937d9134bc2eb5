#include "data/sources/parts.h"

#include <algorithm>
#include <charconv>
#include <fmt/ranges.h>
#include <set>

#include "tensor/error.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

constexpr size_t most_roots = 1'000'000;

fs::path path_of(const std::string& text) { return std::u8string(text.begin(), text.end()); }

bool exists(const std::string& text) {
  std::error_code error;
  return fs::exists(path_of(text), error);
}

/// Whether it names something by itself, so that its commas belong to it.
bool is_whole(const std::string& text) { return exists(text) || exists(data_path(text).path.string()); }

/// The places between commas outside braces.
std::vector<std::string> split(const std::string& spec) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : spec) {
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (c == ',' && depth <= 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

/// The texts of {000..009} or {a,b}, without the braces; empty if it is neither.
std::vector<std::string> alternatives(const std::string& inside) {
  const size_t dots = inside.find("..");
  if (dots == inside.npos) return inside.find(',') == inside.npos ? std::vector<std::string>() : split(inside);
  const std::string from = inside.substr(0, dots), to = inside.substr(dots + 2);
  uint64_t first = 0, last = 0;
  const auto number = [](const std::string& text, uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (!number(from, first) || !number(to, last)) return {};
  require(first <= last && last - first < most_roots, "data: {{{}}} has to count up, to a million at most", inside);
  std::vector<std::string> numbers;
  for (uint64_t i = first; i <= last; ++i) numbers.push_back(fmt::format("{:0{}}", i, from.size()));
  return numbers;
}

void expand(const std::string& text, std::vector<std::string>& roots) {
  const size_t open = text.find('{'), close = text.find('}', open);
  const std::vector<std::string> inside = is_whole(text) || close == text.npos
                                              ? std::vector<std::string>()
                                              : alternatives(text.substr(open + 1, close - open - 1));
  if (inside.empty()) {
    require(roots.size() < most_roots, "data: more than a million files are named");
    roots.push_back(text);
  }
  for (const std::string& each : inside) expand(text.substr(0, open) + each + text.substr(close + 1), roots);
}

}  // namespace

DataPath data_path(const std::string& spec) {
  const size_t colon = spec.rfind(':');
  // Names of parts are plain words; another character means that the colon is within a list or a path.
  const bool is_part = colon != spec.npos && spec.find_first_of(",/{}", colon) == spec.npos;
  if (!is_part || exists(spec) || !exists(spec.substr(0, colon))) return {path_of(spec), {}};
  return {path_of(spec.substr(0, colon)), spec.substr(colon + 1)};
}

std::vector<std::string> roots_of(const std::string& spec) {
  if (is_whole(spec)) return {spec};
  const std::vector<std::string> parts = split(spec);
  std::vector<std::string> roots;
  for (size_t begin = 0; begin < parts.size();) {
    // The longest run of parts that is a path with commas in it.
    size_t end = parts.size();
    const auto joined = [&] {
      return fmt::format(
          "{}", fmt::join(parts.begin() + static_cast<int64_t>(begin), parts.begin() + static_cast<int64_t>(end), ","));
    };
    while (end > begin + 1 && !is_whole(joined())) --end;
    require(!joined().empty(), "data '{}': there is nothing between two of its commas", spec);
    expand(joined(), roots);
    begin = end;
  }
  std::set<std::string> known;
  for (const std::string& root : roots) require(known.insert(root).second, "data '{}': names {} twice", spec, root);
  return roots;
}

std::string chosen_part(const DataPath& path, const std::vector<std::string>& known,
                        std::vector<std::string>& remarks) {
  const std::string where = path.path.string();
  if (path.part.empty()) {
    if (known.size() > 1)
      remarks.push_back(fmt::format("{}: its part {}; there are {}, chosen as {}:PART", where, known.front(),
                                    fmt::join(known, ", "), where));
    return known.front();
  }
  require(std::find(known.begin(), known.end(), path.part) != known.end(), "{}: there is no part {} in it; there {} {}",
          where, path.part, known.size() == 1 ? "is" : "are", fmt::join(known, ", "));
  return path.part;
}

}  // namespace minissl
