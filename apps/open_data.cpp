#include "apps/open_data.h"

#include "apps/standard_streams.h"

namespace minissl {

void say_remarks(const Dataset& dataset) {
  // Shards are many and alike.
  constexpr size_t shown = 20;
  const std::vector<std::string>& remarks = dataset.remarks();
  for (size_t i = 0; i < std::min(shown, remarks.size()); ++i) say(remarks[i]);
  if (remarks.size() > shown) say(fmt::format("and {} more such lines", remarks.size() - shown));
}

std::unique_ptr<Dataset> open_data(const std::string& spec, int64_t channels, uint64_t seed, int max_value) {
  auto dataset = open_dataset(spec, static_cast<int>(channels), seed, max_value);
  std::string others;
  if (const auto& left_out = dataset->left_out(); !left_out.empty())
    others = fmt::format("{} that is not used, {} for one ({})", left_out.size(), left_out.front().path,
                         left_out.front().reason);
  require(dataset->size() > 0, "--data {}: no images in it{}", spec, others.empty() ? "" : ", only " + others);
  say_remarks(*dataset);
  if (!others.empty()) say(fmt::format("{}: has {}; minissl data check lists all", spec, others));
  return dataset;
}

}  // namespace minissl
