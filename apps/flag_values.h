#pragma once
#include <string>
#include <vector>

#include "apps/flags.h"

/// The values of flags, from their text. All throw Error naming the flag (as an option in backquotes).
namespace minissl {

/// T is an integer, a float, a double or a string.
template <class T>
T read_value(const std::string& name, const std::string& text, const FlagRules& rules);
/// A list's values, a,b,c in one text or several, each under the rules. It must not be empty or repeat a value.
template <class T>
std::vector<T> read_values(const std::string& name, const std::vector<std::string>& texts, const FlagRules& rules);
/// "a,b,c" as exactly n numbers.
std::vector<double> read_numbers(const std::string& name, const std::string& text, size_t n, const Range& range);

/// How --help shows the values of a flag of type T: "FLOAT (above 0)", "TEXT (warn, stop or variance)".
template <class T>
std::string kind_of_value(const FlagRules& rules);

}  // namespace minissl
