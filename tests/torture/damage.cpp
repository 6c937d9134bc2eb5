#include "tests/torture/damage.h"

#include <algorithm>
#include <fmt/format.h>

namespace minissl::torture {
namespace {

std::string damage_once(std::string& bytes, std::mt19937_64& numbers) {
  const auto below = [&](size_t n) { return static_cast<size_t>(numbers() % std::max<size_t>(n, 1)); };
  // Half of the time near the beginning, where headers are.
  const size_t at = below(2) ? below(bytes.size()) : below(std::min<size_t>(bytes.size(), 256));
  const size_t room = bytes.size() - at;
  switch (below(8)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
      return fmt::format("a bit of byte {} flipped", at);
    case 1: {
      const size_t count = std::min(room, 1 + below(8));
      for (size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<char>(numbers());
      return fmt::format("{} bytes at {} overwritten", count, at);
    }
    case 2: {
      const size_t begin = at / 512 * 512, count = std::min<size_t>(bytes.size() - begin, 512);
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(begin), count, '\0');
      return fmt::format("the sector at {} is zero", begin);
    }
    case 3:
      bytes.resize(at);
      return fmt::format("cut to {} bytes", at);
    case 4: {
      const size_t count = std::min(room, 1 + below(4096));
      const std::string block = bytes.substr(at, count);
      bytes.insert(at, block);
      return fmt::format("{} bytes at {} twice", count, at);
    }
    case 5: {
      const size_t other = below(bytes.size()), count = std::min({room, bytes.size() - other, 1 + below(512)});
      const std::string block = bytes.substr(other, count);
      bytes.replace(other, count, bytes.substr(at, count));
      bytes.replace(at, count, block);
      return fmt::format("{} bytes at {} and {} exchanged", count, at, other);
    }
    case 6: {
      static constexpr const char* extremes[] = {"\xff\xff\xff\xff\xff\xff\xff\x7f", "\xff\xff\xff\xff\xff\xff\xff\xff",
                                                 "99999999", "-1000000", "\x00\x00\x00\x80\x00\x00\x00\x80"};
      const size_t count = std::min<size_t>(room, below(2) ? 4 : 8);
      bytes.replace(at, count, extremes[below(5)], count);
      return fmt::format("{} bytes at {} made extreme", count, at);
    }
    default: {
      const size_t count = 1 + below(64);
      bytes.append(count, static_cast<char>(numbers()));
      return fmt::format("{} bytes appended", count);
    }
  }
}

}  // namespace

std::string damage(std::string& bytes, std::mt19937_64& numbers) {
  if (bytes.empty()) return "nothing to damage";
  const std::string before = bytes;
  std::string what;
  while (bytes == before) what = damage_once(bytes, numbers);
  return what;
}

}  // namespace minissl::torture
