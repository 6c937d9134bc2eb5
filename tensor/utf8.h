#pragma once
#include <string>
#include <string_view>

namespace minissl {

/// Bytes as text that may be shown: unchanged if they are UTF-8, else with `\xNN` for each byte that isn't part of a
/// character. Different bytes give different text: where there are such bytes, or `\xNN` stands there already,
/// backslashes are doubled.
std::string as_utf8(std::string_view bytes);

}  // namespace minissl
