#include "tensor/utf8.h"

#include <cctype>
#include <cstdint>
#include <fmt/format.h>

namespace minissl {
namespace {

/// The bytes of the character that a text begins with; 0 if it isn't UTF-8 (RFC 3629: shortest form, no surrogates).
size_t length_of_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                        : (first & 0xF0) == 0xE0         ? 3
                        : first >= 0xF0 && first <= 0xF4 ? 4
                                                         : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const uint8_t second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool beyond = first == 0xF4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = length_of_character(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool has_escape(std::string_view text) {
  const auto is_hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  for (size_t at = text.find("\\x"); at != text.npos; at = text.find("\\x", at + 1))
    if (at + 3 < text.size() && is_hex(text[at + 2]) && is_hex(text[at + 3])) return true;
  return false;
}

}  // namespace

std::string as_utf8(std::string_view bytes) {
  if (is_utf8(bytes) && !has_escape(bytes)) return std::string(bytes);
  std::string text;
  while (!bytes.empty()) {
    const size_t length = length_of_character(bytes);
    if (length == 0)
      text += fmt::format("\\x{:02x}", static_cast<uint8_t>(bytes[0]));
    else if (bytes[0] == '\\')
      text += "\\\\";
    else
      text += bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

}  // namespace minissl
