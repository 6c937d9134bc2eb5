#include "data/sources/synth.h"

#include "data/phantom/phantom.h"

namespace minissl {

SyntheticRadiographs::SyntheticRadiographs(int64_t count, int64_t size, int channels, uint64_t seed)
    : count_(count), size_(size), channels_(channels), seed_(seed) {
  require(count > 0 && count <= int64_t{1} << 32, "generated radiographs: 1 to 2^32 of them, not {}", count);
  require(size >= 32 && size <= 1024, "generated radiographs: 32 to 1024 px, not {}", size);
}

Image SyntheticRadiographs::load(int64_t i) const {
  return with_channels(phantom_radiograph(static_cast<Finding>(label(i)), size_, seed_, static_cast<uint32_t>(i)),
                       channels_);
}

std::string SyntheticRadiographs::name(int64_t i) const {
  return fmt::format("{}/{:06}", class_names()[static_cast<size_t>(label(i))], i);
}

const std::vector<std::string>& SyntheticRadiographs::class_names() const {
  static const std::vector<std::string> names = {"normal", "opacity", "enlarged_heart"};
  return names;
}

}  // namespace minissl
