#include "data/image_statistics.h"

#include <algorithm>
#include <cmath>

namespace minissl {
namespace {

float gray_of(const float* pixel, int64_t channels) { return channels == 1 ? gray<1>(pixel) : gray<3>(pixel); }

/// What noise competes with in a view.
struct Signal {
  double mean = 0;
  double detail = 0;  ///< root mean square of the deviations within blocks: edges and texture, without slow changes
};

Signal signal_of(const Tensor& view) {
  const int64_t size = view.dim(0), channels = view.dim(2), block = std::max<int64_t>(size / 7, 2);
  const float* values = view.data<float>();
  double sum_of_means = 0, sum_of_variances = 0;
  int64_t blocks = 0;
  for (int64_t y = 0; y + block <= size; y += block)
    for (int64_t x = 0; x + block <= size; x += block, ++blocks) {
      double sum = 0, squares = 0;
      for (int64_t j = y; j < y + block; ++j)
        for (int64_t i = x; i < x + block; ++i) {
          const auto v = static_cast<double>(gray_of(values + (j * size + i) * channels, channels));
          sum += v, squares += v * v;
        }
      const auto pixels = static_cast<double>(block * block);
      sum_of_means += sum / pixels;
      sum_of_variances += std::max(0.0, squares / pixels - sum / pixels * (sum / pixels));
    }
  if (blocks == 0) return {};
  const auto count = static_cast<double>(blocks);
  return {sum_of_means / count, std::sqrt(sum_of_variances / count)};
}

// To half a gray level: resampling rounds.
bool clipped(float v) { return v < 0.5f / 255 || v > 1 - 0.5f / 255; }

int64_t percent(int64_t part, int64_t whole) { return whole == 0 ? 0 : (200 * part + whole) / (2 * whole); }

}  // namespace

std::vector<int64_t> spread_over(int64_t images, int64_t count) {
  std::vector<int64_t> chosen;
  const int64_t taken = std::min(images, count);
  for (int64_t i = 0; i < taken; ++i) chosen.push_back(i * images / taken);
  return chosen;
}

Normalization measure_normalization(const Dataset& dataset, int64_t channels) {
  std::array<double, 3> sum{}, squares{};
  int64_t images = 0;
  for (const int64_t i : spread_over(dataset.size(), 1000)) {
    const Loaded loaded = try_load(dataset, i, channels);
    if (!loaded.ok()) continue;
    const Image& image = loaded.image;
    const int64_t pixels = image.height() * image.width();
    const bool bytes = image.pixels.dtype() == DType::u8;
    for (int64_t c = 0; c < channels; ++c) {
      double s = 0, s2 = 0;
      for (int64_t p = 0; p < pixels; ++p) {
        const auto at = p * channels + c;
        const auto v = static_cast<double>(bytes ? intensity(image.pixels.data<uint8_t>()[at])
                                                 : intensity(image.pixels.data<float>()[at]));
        s += v, s2 += v * v;
      }
      sum[static_cast<size_t>(c)] += s / static_cast<double>(pixels);
      squares[static_cast<size_t>(c)] += s2 / static_cast<double>(pixels);
    }
    ++images;
  }
  require(images > 0, "`normalization` data: none of the images can be read");
  Normalization result;
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const double mean = sum[c] / static_cast<double>(images);
    const double deviation = std::sqrt(std::max(0.0, squares[c] / static_cast<double>(images) - mean * mean));
    require(deviation > 1e-4, "`normalization` data: all pixels of the images are alike");
    result.mean[c] = static_cast<float>(mean), result.std[c] = static_cast<float>(deviation);
  }
  return result;
}

std::string LostViews::sentence() const {
  return fmt::format(
      "{}% of the views have lost their image: {}% are saturated (`brightness`, `contrast`), in {}% the noise is above "
      "the signal (`noise`)",
      percent(lost(), views), percent(saturated, views), percent(noisy, views));
}

LostViews count_lost_views(const Dataset& dataset, const BatchRequest& request, int64_t channels, uint64_t seed,
                           int64_t images) {
  LostViews result;
  for (const int64_t i : spread_over(dataset.size(), images)) {
    const Loaded loaded = try_load(dataset, i, channels);
    if (!loaded.ok()) continue;
    const Image& image = loaded.image;
    for (int number = 0; number < request.views(); ++number) {
      const ViewGroup& group = request.group_of(number);
      ViewParameters view = draw_view(group.augmentation, image.height(), image.width(), group.size, seed, 0, i,
                                      request.draw_number(number));
      const float noise = view.noise;
      view.noise = 0, view.solarize = false;
      const Tensor shown = render_view(image, view, Normalization::none());
      view.jitter = view.gray = false, view.blur_sigma = 0;
      const Tensor cropped = render_view(image, view, Normalization::none());
      int64_t moved = 0;
      for (int64_t p = 0; p < shown.numel(); ++p)
        moved += clipped(shown.data<float>()[p]) && !clipped(cropped.data<float>()[p]);
      const Signal signal = signal_of(shown);
      ++result.views;
      if (3 * moved > shown.numel())
        ++result.saturated;
      else if (static_cast<double>(noise) * std::sqrt(signal.mean) > signal.detail)
        ++result.noisy;
    }
  }
  return result;
}

}  // namespace minissl
