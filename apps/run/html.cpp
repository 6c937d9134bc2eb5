#include "apps/run/html.h"

#include <algorithm>
#include <cstdint>

#include "apps/run/json_text.h"
#include "tensor/error.h"

namespace minissl {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (char c : text) switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  return escaped;
}

std::string json_in_script(const Json& json) {
  const std::string text = json_text(json);
  std::string escaped;
  escaped.reserve(text.size());
  for (char c : text)
    if (c == '<')
      escaped += "\\u003c";
    else
      escaped += c;
  return escaped;
}

std::string data_url(std::string_view mime_type, std::string_view bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string url = fmt::format("data:{};base64,", mime_type);
  url.reserve(url.size() + bytes.size() * 4 / 3 + 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = word << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) url += k <= count ? alphabet[word >> (18 - 6 * k) & 63u] : '=';
  }
  return url;
}

std::string fill_template(std::string_view text,
                          const std::vector<std::pair<std::string_view, std::string_view>>& values) {
  std::string filled;
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find("{{", at);
    filled += text.substr(at, open == text.npos ? text.npos : open - at);
    if (open == text.npos) break;
    const size_t close = text.find("}}", open);
    require(close != text.npos, "a placeholder of the template isn't closed");
    const std::string_view name = text.substr(open + 2, close - open - 2);
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& pair) { return pair.first == name; });
    require(value != values.end(), "the template's {{{{{}}}}} has no value", name);
    filled += value->second;
    at = close + 2;
  }
  return filled;
}

}  // namespace minissl
