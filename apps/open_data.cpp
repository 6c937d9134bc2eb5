#include "apps/open_data.h"

#include "apps/standard_streams.h"

namespace minissl {

std::unique_ptr<Dataset> open_data(const std::string& spec, int64_t channels, uint64_t seed, int max_value) {
  auto dataset = open_dataset(spec, static_cast<int>(channels), seed, max_value);
  std::string others;
  if (const auto& left_out = dataset->left_out(); !left_out.empty())
    others = fmt::format("{} that is not used, {} for one ({})", left_out.size(), left_out.front().path,
                         left_out.front().reason);
  require(dataset->size() > 0, "--data {}: no images in it{}", spec, others.empty() ? "" : ", only " + others);
  if (!others.empty()) say(fmt::format("{}: has {}; minissl data check lists all", spec, others));
  return dataset;
}

}  // namespace minissl
