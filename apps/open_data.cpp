#include "apps/open_data.h"

#include "apps/standard_streams.h"

namespace minissl {

std::unique_ptr<Dataset> open_data(const std::string& spec, int channels, uint64_t seed, int max_value) {
  std::unique_ptr<Dataset> dataset = open_dataset(spec, channels, seed, max_value);
  // Shards are many and alike.
  constexpr size_t shown = 20;
  const std::vector<std::string>& remarks = dataset->remarks();
  for (size_t i = 0; i < std::min(shown, remarks.size()); ++i) say(remarks[i]);
  if (remarks.size() > shown) say(fmt::format("and {} more such lines", remarks.size() - shown));
  return dataset;
}

}  // namespace minissl
