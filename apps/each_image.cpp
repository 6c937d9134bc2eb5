#include "apps/each_image.h"

#include "data/prefetcher.h"
#include "tensor/parallel.h"

namespace minissl {

void for_each_image(const Dataset& dataset, int64_t first, int threads, const ImageVisitor& visitor) {
  struct Decoded {
    int64_t first = 0;
    std::vector<Loaded> images;
  };
  constexpr int64_t group = 16;
  int64_t opened = first;
  const auto open = [&]() -> std::optional<Prefetcher<Decoded>::Opened> {
    const int64_t count = std::min(group, dataset.size() - opened);
    if (count <= 0) return std::nullopt;
    Decoded decoded{opened, std::vector<Loaded>(static_cast<size_t>(count))};
    opened += count;
    return {{std::move(decoded), count}};
  };
  const auto fill = [&](Decoded& decoded, int64_t i) {
    const int64_t index = decoded.first + i;
    decoded.images[static_cast<size_t>(i)] = try_load(dataset, index, 0, [&](Image& image) {
      if (visitor.prepare) visitor.prepare(index, image);
    });
  };
  Prefetcher<Decoded> decoder(threads > 0 ? threads : allowed_threads(), 2, open, fill);
  Progress progress(dataset.size(), "image");
  while (std::optional<Decoded> decoded = decoder.next()) {
    for (size_t i = 0; i < decoded->images.size(); ++i) {
      const int64_t index = decoded->first + static_cast<int64_t>(i);
      Loaded& loaded = decoded->images[i];
      if (loaded.ok())
        visitor.use(index, loaded.image);
      else
        visitor.skip(index, loaded.reason, progress);
    }
    progress.update(decoded->first + static_cast<int64_t>(decoded->images.size()), "");
  }
}

}  // namespace minissl
