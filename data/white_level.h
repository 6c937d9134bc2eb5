#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace minissl {

/// What 16-bit files may mean by white: 8, 10, 12, 14 and 16 bits. Detectors store such ranges in 16-bit files, which
/// would be black if they were divided by 65535.
inline constexpr std::array<int, 5> white_levels{255, 1023, 4095, 16383, 65535};

/// Counts the values of 16-bit images to tell what they mean by white.
class LevelCounts {
 public:
  void add(std::span<const uint16_t> values);
  void add(const LevelCounts& other);
  bool empty() const { return total_ == 0; }

  /// The smallest of white_levels that at least 99.9% of the values don't exceed: a few burnt-in pixels, such as the
  /// letters at the edge of a radiograph, don't darken everything else. 0 if no values were added.
  int white() const;

 private:
  int64_t total_ = 0;
  std::array<int64_t, white_levels.size()> within_{};  // values that don't exceed each level
};

class Dataset;

/// What white is in a data set: of the values of at most 256 images, spread evenly over it, that have 16 bits and don't
/// say what their range is. 0 if none of these images has. Images that can't be read don't count. The same for the same
/// images, on any number of threads.
int white_level_of(const Dataset& dataset);

/// Says, in a line, what is white in a data set that has 16-bit images.
std::string white_level_line(int white);

}  // namespace minissl
