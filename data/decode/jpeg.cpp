#include <csetjmp>
#include <cstdio>
// jpeglib.h needs FILE and size_t declared before it.
#include <jerror.h>
#include <jpeglib.h>

#include "data/decode/exif.h"
#include "data/decode/formats.h"
#include "data/decode/jpeg_scans.h"

namespace minissl {
namespace {

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void escape(j_common_ptr info) {
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  errors->base.format_message(info, errors->message);
  std::longjmp(errors->escape, 1);
}

// libjpeg continues after damage and fills the rest with gray. Only warnings that lose no pixels are ignored.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
      return;
    default:
      escape(info);
  }
}

/// libjpeg's decompressor, with errors as exceptions. Its callbacks run inside C code, so they leave by longjmp: code
/// inside guarded() must own nothing.
class Decompressor {
 public:
  // Delegates so that the destructor runs even if reading the header fails.
  explicit Decompressor(std::span<const std::byte> bytes) : Decompressor() {
    guarded([&] {
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
      jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xffff);
      jpeg_read_header(&info_, TRUE);
    });
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  jpeg_decompress_struct& info() { return info_; }

  /// Call before read_rows(), which frees the markers.
  int orientation() const {
    for (const jpeg_marker_struct* m = info_.marker_list; m; m = m->next)
      if (m->marker == JPEG_APP0 + 1)
        if (const int o = exif_orientation({reinterpret_cast<const std::byte*>(m->data), m->data_length}); o != 1)
          return o;
    return 1;
  }

  void start() {
    guarded([&] { jpeg_start_decompress(&info_); });
  }
  void read_rows(uint8_t* to) {
    const auto row_bytes = static_cast<size_t>(info_.output_width) * static_cast<size_t>(info_.output_components);
    guarded([&] {
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = to + info_.output_scanline * row_bytes;
        jpeg_read_scanlines(&info_, &row, 1);
      }
      jpeg_finish_decompress(&info_);
    });
  }

 private:
  Decompressor() {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = escape;
    errors_.base.emit_message = on_message;
    guarded([&] { jpeg_create_decompress(&info_); });
  }

  template <class F>
  void guarded(F&& f) {
    if (setjmp(errors_.escape)) fail("damaged or cut short ({})", errors_.message);
    f();
  }

  jpeg_decompress_struct info_{};
  ErrorManager errors_{};
};

J_COLOR_SPACE output_space(const jpeg_decompress_struct& info, int channels) {
  switch (info.jpeg_color_space) {
    case JCS_GRAYSCALE:
      return JCS_GRAYSCALE;
    case JCS_YCbCr:
      return channels == 1 ? JCS_GRAYSCALE : JCS_RGB;  // Y is the requested luma
    case JCS_RGB:
      return JCS_RGB;
    case JCS_CMYK:
    case JCS_YCCK:
      return JCS_CMYK;
    default:
      fail("a JPEG of {} components in an unknown colour space is not supported", info.num_components);
  }
}

// Converts ink to light without a colour profile. Adobe's files store the inks inverted.
Image rgb_from_cmyk(const Image& cmyk, bool inverted) {
  const int64_t count = cmyk.height() * cmyk.width();
  Image rgb{Tensor::empty({cmyk.height(), cmyk.width(), 3}, DType::u8)};
  const auto* from = cmyk.pixels.data<uint8_t>();
  auto* to = rgb.pixels.mutable_data<uint8_t>();
  const int mask = inverted ? 0 : 255;
  for (int64_t i = 0; i < count; ++i)
    for (int c = 0; c < 3; ++c)
      to[3 * i + c] = static_cast<uint8_t>(((from[4 * i + c] ^ mask) * (from[4 * i + 3] ^ mask) + 127) / 255);
  return rgb;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, const DecodeOptions& options) {
  Decompressor decompressor(bytes);
  jpeg_decompress_struct& info = decompressor.info();
  require_decodable_size(info.image_width, info.image_height);
  const double passes = passes_of_jpeg(bytes);
  require(passes <= max_jpeg_passes, "its scans visit each block {:.0f} times, more than the {} that are decoded",
          passes, max_jpeg_passes);
  const int orientation = decompressor.orientation();
  info.out_color_space = output_space(info, options.channels);
  decompressor.start();
  Image image{Tensor::empty({info.output_height, info.output_width, info.output_components}, DType::u8)};
  decompressor.read_rows(image.pixels.mutable_data<uint8_t>());
  if (info.out_color_space == JCS_CMYK) image = rgb_from_cmyk(image, info.saw_Adobe_marker != 0);
  return upright(image, orientation);
}

}  // namespace minissl
