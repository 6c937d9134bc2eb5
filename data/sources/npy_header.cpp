#include "data/sources/npy_header.h"

#include <charconv>
#include <string_view>

#include "tensor/error.h"

namespace minissl {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr int64_t longest_header = 65536;

/// The text after a key of the header's dictionary; empty if it isn't there. NumPy writes 'key': value.
std::string_view value_of(std::string_view header, std::string_view key) {
  const size_t at = header.find(key);
  if (at == header.npos) return {};
  header.remove_prefix(at + key.size());
  header.remove_prefix(std::min(header.find_first_not_of(" "), header.size()));
  return header;
}

std::string_view between(std::string_view text, char open, char close) {
  const size_t end = text.find(close, 1);
  return text.empty() || text.front() != open || end == text.npos ? std::string_view() : text.substr(1, end - 1);
}

/// False for anything but sizes and commas.
bool read_shape(std::string_view text, std::vector<int64_t>& shape) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    if (part.empty()) continue;
    int64_t size = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), size);
    if (error != std::errc() || end != part.data() + part.size() || size < 0) return false;
    shape.push_back(size);
  }
  return true;
}

}  // namespace

int64_t element_bytes(const std::string& type, const std::string& where) {
  for (const char* known : {"u1", "i1", "b1", "u2", "i2", "u4", "i4", "u8", "i8"})
    if (type.size() == 3 && type.substr(1) == known && (type[0] == '<' || (type[0] == '|' && known[1] == '1')))
      return known[1] - '0';
  fail("{}: its elements are {}; whole numbers in little-endian order are read", where, type);
}

NpyHeader read_npy_header(const ByteSource& source, int64_t offset, int64_t bytes, const std::string& where) {
  std::string begin(12, '\0');
  require(bytes >= static_cast<int64_t>(begin.size()), "{}: too short for a .npy array", where);
  source.read_at(offset, begin.data(), begin.size());
  require(begin.starts_with(magic) && begin[6] >= 1 && begin[6] <= 3, "{}: not a .npy array", where);
  const auto byte = [&](size_t i) { return int64_t{static_cast<uint8_t>(begin[i])}; };
  const bool is_short = begin[6] == 1;
  const int64_t length = byte(8) | byte(9) << 8 | (is_short ? 0 : byte(10) << 16 | byte(11) << 24);
  const int64_t text_begin = is_short ? 10 : 12;
  require(length <= longest_header && length <= bytes - text_begin, "{}: its .npy header is cut short", where);
  std::string text(static_cast<size_t>(length), '\0');
  source.read_at(offset + text_begin, text.data(), text.size());

  NpyHeader header;
  header.type = between(value_of(text, "'descr':"), '\'', '\'');
  header.begin = offset + text_begin + length;
  const std::string_view shape = value_of(text, "'shape':"), order = value_of(text, "'fortran_order':");
  require(!header.type.empty() && shape.starts_with('(') && read_shape(between(shape, '(', ')'), header.shape) &&
              (order.starts_with("False") || order.starts_with("True")),
          "{}: its .npy header is malformed", where);
  require(order.starts_with("False"), "{}: in Fortran's order; save it with numpy.ascontiguousarray", where);
  int64_t room = (bytes - text_begin - length) / element_bytes(header.type, where);
  for (const int64_t size : header.shape) {
    if (size == 0) break;
    room /= size;
    require(room > 0, "{}: its elements don't fit into its {} bytes: it is cut short", where, bytes);
  }
  return header;
}

}  // namespace minissl
