#include "ssl/parts/block_mask.h"

#include <cmath>

namespace minissl {

void block_mask(std::span<uint8_t> mask, int64_t grid, int64_t count, int64_t least,
                const std::function<double()>& next) {
  constexpr double aspect = 0.3;
  constexpr int64_t most_failures = 10;
  int64_t hidden = 0;
  for (int64_t failures = 0; hidden < count && failures < most_failures; ++failures) {
    const int64_t most = count - hidden;
    const double area = static_cast<double>(least) + static_cast<double>(most - least) * next();
    const double ratio = std::exp(std::log(aspect) + (std::log(1 / aspect) - std::log(aspect)) * next());
    // Halves to even, as Python rounds.
    const auto height = static_cast<int64_t>(std::nearbyint(std::sqrt(area * ratio)));
    const auto width = static_cast<int64_t>(std::nearbyint(std::sqrt(area / ratio)));
    if (height >= grid || width >= grid) continue;
    const auto place = [&](int64_t side) {
      return static_cast<int64_t>(std::floor(next() * static_cast<double>(grid - side + 1)));
    };
    const int64_t top = place(height), left = place(width);
    const auto each = [&](auto&& f) {
      for (int64_t y = top; y < top + height; ++y)
        for (int64_t x = left; x < left + width; ++x) f(mask[static_cast<size_t>(y * grid + x)]);
    };
    int64_t added = 0;
    each([&](uint8_t patch) { added += patch == 0 ? 1 : 0; });
    if (added == 0 || added > most) continue;
    each([](uint8_t& patch) { patch = 1; });
    hidden += added;
    failures = -1;
  }
  if (hidden == 0) mask[static_cast<size_t>(next() * static_cast<double>(mask.size()))] = 1;
}

}  // namespace minissl
