#include <algorithm>
#include <cstdint>
#include <cstring>
#include <gif_lib.h>
#include <memory>
#include <new>
#include <vector>

#include "data/decode/formats.h"

namespace minissl {
namespace {

struct Closer {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

[[noreturn]] void fail_with(int error) {
  if (error == D_GIF_ERR_NOT_ENOUGH_MEM) throw std::bad_alloc();
  const char* text = GifErrorString(error);
  fail("damaged or cut short ({})", text ? text : "unknown");
}

/// A GIF up to its first frame.
class FirstFrame {
 public:
  explicit FirstFrame(std::span<const std::byte> bytes) : left_(bytes) {
    int error = 0;
    gif_.reset(DGifOpen(this, read, &error));
    if (!gif_) fail_with(error);
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    for (;;) {
      check(DGifGetRecordType(gif_.get(), &record));
      require(record != TERMINATE_RECORD_TYPE, "damaged (no picture in it)");
      if (record == IMAGE_DESC_RECORD_TYPE) break;
      if (record == EXTENSION_RECORD_TYPE) read_extension();
    }
    check(DGifGetImageDesc(gif_.get()));
    require(map() != nullptr, "damaged (no palette)");
  }

  const GifImageDesc& frame() const { return gif_->Image; }
  int64_t width() const { return std::max<int64_t>(gif_->SWidth, int64_t{frame().Left} + frame().Width); }
  int64_t height() const { return std::max<int64_t>(gif_->SHeight, int64_t{frame().Top} + frame().Height); }
  const ColorMapObject* map() const { return frame().ColorMap ? frame().ColorMap : gif_->SColorMap; }
  int transparent() const { return transparent_; }
  void read_row(std::vector<GifPixelType>& row) {
    check(DGifGetLine(gif_.get(), row.data(), static_cast<int>(row.size())));
  }

 private:
  static int read(GifFileType* gif, GifByteType* to, int count) {
    auto& left = static_cast<FirstFrame*>(gif->UserData)->left_;
    const size_t part = std::min(left.size(), static_cast<size_t>(count));
    if (part > 0) std::memcpy(to, left.data(), part);
    left = left.subspan(part);
    return static_cast<int>(part);
  }
  void check(int status) {
    if (status != GIF_OK) fail_with(gif_->Error);
  }
  void read_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    check(DGifGetExtension(gif_.get(), &code, &block));
    while (block) {
      GraphicsControlBlock control;
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent_ = control.TransparentColor;
      check(DGifGetExtensionNext(gif_.get(), &block));
    }
  }

  std::span<const std::byte> left_;
  std::unique_ptr<GifFileType, Closer> gif_;
  int transparent_ = NO_TRANSPARENT_COLOR;
};

// The rows of an interlaced frame come in four passes.
std::vector<int64_t> order_of_rows(int64_t height, bool interlaced) {
  std::vector<int64_t> rows;
  rows.reserve(static_cast<size_t>(height));
  constexpr int64_t passes[4][2] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  if (interlaced)
    for (const auto& [first, step] : passes)
      for (int64_t y = first; y < height; y += step) rows.push_back(y);
  else
    for (int64_t y = 0; y < height; ++y) rows.push_back(y);
  return rows;
}

}  // namespace

Image decode_gif(std::span<const std::byte> bytes, const DecodeOptions&) {
  FirstFrame gif(bytes);
  const GifImageDesc& frame = gif.frame();
  require_decodable_size(frame.Width, frame.Height);
  require_decodable_size(gif.width(), gif.height());
  // Black where the frame isn't, where it is transparent, and for colours that the palette doesn't have.
  Image image{Tensor::zeros({gif.height(), gif.width(), 3}, DType::u8)};
  auto* pixels = image.pixels.mutable_data<uint8_t>();
  std::vector<GifPixelType> row(static_cast<size_t>(frame.Width));
  for (const int64_t y : order_of_rows(frame.Height, frame.Interlace)) {
    gif.read_row(row);
    uint8_t* to = pixels + 3 * ((frame.Top + y) * gif.width() + frame.Left);
    for (const GifPixelType index : row) {
      if (index < gif.map()->ColorCount && index != gif.transparent()) {
        const GifColorType& color = gif.map()->Colors[index];
        to[0] = color.Red, to[1] = color.Green, to[2] = color.Blue;
      }
      to += 3;
    }
  }
  return image;
}

}  // namespace minissl
