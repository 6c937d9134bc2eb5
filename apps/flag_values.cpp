#include "apps/flag_values.h"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <optional>
#include <sstream>

#include "tensor/error.h"
#include "tensor/options.h"

namespace minissl {
namespace {

template <class T>
std::optional<T> number_in(const std::string& text) {
  T value{};
  const char *begin = text.data(), *end = begin + text.size();
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') ++begin;
  const auto [at, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

// The parts between commas.
std::vector<std::string> parts_of(const std::string& text) {
  std::istringstream in(text + ",");
  std::vector<std::string> parts;
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace

template <class T>
T read_value(const std::string& name, const std::string& text, const FlagRules& rules) {
  if (!rules.one_of.empty()) check_choice(name, text, rules.one_of);
  if constexpr (std::same_as<T, std::string>) {
    require(!rules.required || !text.empty(), "`{}` is empty; it needs a value", name);
    if (rules.check) rules.check(text);
    return text;
  } else {
    // Floats are read as doubles, so that a number too large for a float is one outside its range.
    using Read = std::conditional_t<std::is_integral_v<T>, T, double>;
    const std::optional<Read> value = number_in<Read>(text);
    require(value.has_value(), "`{}` must be a {}{}, not \"{}\"", name,
            std::is_integral_v<T> ? "whole number" : "number", rules.one_of.empty() ? " " + rules.range.str() : "",
            text);
    if (rules.one_of.empty()) rules.range.check(name, *value);
    return static_cast<T>(*value);
  }
}
template int read_value(const std::string&, const std::string&, const FlagRules&);
template int64_t read_value(const std::string&, const std::string&, const FlagRules&);
template uint64_t read_value(const std::string&, const std::string&, const FlagRules&);
template float read_value(const std::string&, const std::string&, const FlagRules&);
template double read_value(const std::string&, const std::string&, const FlagRules&);
template std::string read_value(const std::string&, const std::string&, const FlagRules&);

template <class T>
std::vector<T> read_values(const std::string& name, const std::vector<std::string>& texts, const FlagRules& rules) {
  require(!texts.empty(), "`{}` is empty; it needs values such as a,b,c", name);
  std::vector<T> values;
  for (const std::string& text : texts)
    for (const std::string& part : parts_of(text)) {
      require(!part.empty(), "`{}` has an empty value in its list", name);
      const T value = read_value<T>(name, part, rules);
      require(std::find(values.begin(), values.end(), value) == values.end(), "`{}` has {} more than once", name, part);
      values.push_back(value);
    }
  return values;
}
template std::vector<int64_t> read_values(const std::string&, const std::vector<std::string>&, const FlagRules&);
template std::vector<std::string> read_values(const std::string&, const std::vector<std::string>&, const FlagRules&);

std::vector<double> read_numbers(const std::string& name, const std::string& text, size_t n, const Range& range) {
  std::vector<double> values;
  for (const std::string& part : parts_of(text)) values.push_back(read_value<double>(name, part, {.range = range}));
  require(values.size() == n, "`{}` needs {} numbers, such as a,b, not \"{}\"", name, n, text);
  return values;
}

template <class T>
std::string kind_of_value(const FlagRules& rules) {
  const char* kind = std::same_as<T, std::string> ? "TEXT" : std::is_integral_v<T> ? "INT" : "FLOAT";
  if (!rules.one_of.empty()) return fmt::format("{} ({})", kind, listed(rules.one_of, "or"));
  if (std::same_as<T, std::string>) return kind;
  return fmt::format("{} ({})", kind, rules.range.str());
}
template std::string kind_of_value<int>(const FlagRules&);
template std::string kind_of_value<int64_t>(const FlagRules&);
template std::string kind_of_value<uint64_t>(const FlagRules&);
template std::string kind_of_value<float>(const FlagRules&);
template std::string kind_of_value<double>(const FlagRules&);
template std::string kind_of_value<std::string>(const FlagRules&);

}  // namespace minissl
