#include "apps/run/toml.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sstream>
#include <toml++/toml.h>
#include <vector>

#include "tensor/error.h"

namespace minissl {
namespace {

std::string value_of(const toml::node& node, std::string_view name) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (const auto* array = node.as_array()) {
    std::vector<std::string> elements;
    for (const toml::node& element : *array) {
      require(!element.is_array(), "line {}: {} has arrays within an array", node.source().begin.line, name);
      elements.push_back(value_of(element, name));
    }
    return fmt::format("{}", fmt::join(elements, ","));
  }
  if (node.is_table())
    fail("line {}: sections ([...]) have no meaning; it holds key = value lines", node.source().begin.line);
  fail("line {}: {} is a date; put it in quotes if it is meant as text", node.source().begin.line, name);
}

// Whether the value, unquoted, is read back as the same text.
bool is_bare(std::string_view value) {
  if (value == "true" || value == "false") return true;
  const char *begin = value.data(), *end = begin + value.size();
  int64_t integer = 0;
  if (const auto [rest, error] = std::from_chars(begin, end, integer); error == std::errc() && rest == end)
    return fmt::format("{}", integer) == value;
  double number = 0;
  const auto [rest, error] = std::from_chars(begin, end, number);
  // TOML wants digits on both sides of a point.
  return error == std::errc() && rest == end && fmt::format("{}", number) == value && value.find('n') == value.npos;
}

}  // namespace

std::vector<Setting> read_toml(std::string_view text) {
  const toml::table table = [&] {
    try {
      return toml::parse(text);
    } catch (const toml::parse_error& error) {
      fail("line {}: {}", error.source().begin.line, error.description());
    }
  }();
  std::vector<std::pair<toml::source_position, Setting>> found;
  for (const auto& [key, node] : table)
    found.push_back({key.source().begin, {std::string(key.str()), value_of(node, key.str())}});
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Setting> settings;
  for (auto& [position, setting] : found) settings.push_back(std::move(setting));
  return settings;
}

std::string toml_line(std::string_view name, std::string_view value) {
  if (is_bare(value)) return fmt::format("{} = {}\n", name, value);
  std::ostringstream quoted;
  quoted << toml::toml_formatter(toml::value<std::string>(std::string(value)),
                                 toml::format_flags::allow_unicode_strings);
  std::string line = fmt::format("{} = {}\n", name, quoted.str());
  const std::vector<Setting> read = read_toml(line);
  require(read.size() == 1 && read[0].second == value,
          "`{}` {}: it isn't UTF-8, so a config.toml can't hold it; rename it, or name it by a link", name, value);
  return line;
}

}  // namespace minissl
