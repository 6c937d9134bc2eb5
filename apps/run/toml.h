#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The one reader and writer of configurations: TOML files of `key = value` lines.
namespace minissl {

/// A setting's name and its value as a flag has it: strings without quotes, the elements of arrays joined by commas.
using Setting = std::pair<std::string, std::string>;

/// The settings of a file, in its order. Throws Error, with the line, for what isn't TOML, and for sections and dates,
/// which have no meaning here.
std::vector<Setting> read_toml(std::string_view text);

/// `key = value` and the end of the line. Numbers and true and false stay bare, everything else becomes a string;
/// read_toml() reads back the same value, whatever characters it has. Bytes that aren't UTF-8, which TOML can't hold,
/// throw Error.
std::string toml_line(std::string_view name, std::string_view value);

}  // namespace minissl
