#include "apps/run/picture.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace minissl {

std::string encode_png(const Tensor& image) {
  require(
      image.rank() == 3 && image.dtype() == DType::u8 && image.dim(2) >= 1 && image.dim(2) <= 4 && image.numel() > 0,
      "a picture is u8 (height, width, 1 to 4 channels), not {}", image);
  const auto height = static_cast<int>(image.dim(0)), width = static_cast<int>(image.dim(1)),
             channels = static_cast<int>(image.dim(2));
  std::string png;
  const auto append = [](void* to, void* bytes, int count) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), static_cast<size_t>(count));
  };
  const int done =
      stbi_write_png_to_func(append, &png, width, height, channels, image.data<uint8_t>(), width * channels);
  require(done != 0 && !png.empty(), "a picture of {} x {} pixels can't be encoded: too little memory", width, height);
  return png;
}

void write_png(const std::filesystem::path& path, const Tensor& image) { write_file(path, encode_png(image)); }

Tensor to_pixels(const Tensor& images, const Normalization& normalization) {
  require(images.rank() == 4 && images.dtype() == DType::f32, "images are f32 (N, H, W, C), not {}", images);
  require(images.dim(3) == 1 || images.dim(3) == 3, "images have 1 or 3 channels, not {}", images);
  const auto channels = static_cast<size_t>(images.dim(3));
  const Tensor pixels = Tensor::empty(images.shape(), DType::u8);
  const float* from = images.data<float>();
  auto* to = pixels.mutable_data<uint8_t>();
  for (size_t i = 0; i < static_cast<size_t>(images.numel()); ++i) {
    const size_t c = i % channels;
    const float x = from[i] * normalization.std[c] + normalization.mean[c];
    to[i] = std::isnan(x) ? uint8_t{0} : static_cast<uint8_t>(std::lround(std::clamp(x, 0.0f, 1.0f) * 255));
  }
  return pixels;
}

Tensor tile(const std::vector<Tensor>& views, int columns, int gap) {
  require(!views.empty() && columns > 0 && gap >= 0,
          "a contact sheet needs views, a column at least and no negative gap");
  const int64_t count = views[0].dim(0), channels = views[0].dim(-1);
  int64_t height = 0, group_width = -gap;
  for (const Tensor& view : views) {
    require(view.rank() == 4 && view.dtype() == DType::u8 && (view.dim(3) == 1 || view.dim(3) == 3) && view.numel() > 0,
            "a contact sheet shows u8 (N, H, W, 1 or 3), not {}", view);
    require(view.dim(0) == count && view.dim(3) == channels,
            "the views of a contact sheet differ in images or channels: {} and {}", views[0], view);
    height = std::max(height, view.dim(1));
    group_width += gap + view.dim(2);
  }
  const int64_t groups_each_row = std::min<int64_t>(columns, count);
  const int64_t rows = (count + groups_each_row - 1) / groups_each_row;
  const int64_t group_gap = 3 * gap;
  const int64_t sheet_width = groups_each_row * (group_width + group_gap) - group_gap;
  const int64_t sheet_height = rows * (height + group_gap) - group_gap;

  const Tensor sheet = Tensor::zeros({sheet_height, sheet_width, channels + 1}, DType::u8);
  auto* to = sheet.mutable_data<uint8_t>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t top = i / groups_each_row * (height + group_gap);
    int64_t left = i % groups_each_row * (group_width + group_gap);
    for (const Tensor& view : views) {
      const int64_t h = view.dim(1), w = view.dim(2);
      const uint8_t* from = view.data<uint8_t>() + i * h * w * channels;
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
          uint8_t* pixel = to + ((top + y) * sheet_width + left + x) * (channels + 1);
          std::memcpy(pixel, from + (y * w + x) * channels, static_cast<size_t>(channels));
          pixel[channels] = 255;
        }
      left += w + gap;
    }
  }
  return sheet;
}

}  // namespace minissl
