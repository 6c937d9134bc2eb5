#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <iterator>
#include <new>
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

/// A file in memory for libjpeg. One that ends too soon gets the end marker that it lacks: the entropy decoder then
/// complains if it still needed bits, and doesn't if all pixels are there.
struct Source {
  jpeg_source_mgr base{};
  bool ended = false;  ///< whether the decoder asked for more than there is

  void attach(jpeg_decompress_struct& info, std::span<const std::byte> bytes) {
    base.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
    base.bytes_in_buffer = bytes.size();
    base.init_source = base.term_source = [](j_decompress_ptr) {};
    base.resync_to_restart = jpeg_resync_to_restart;
    base.fill_input_buffer = [](j_decompress_ptr info) -> boolean {
      reinterpret_cast<Source*>(info->src)->end();
      return TRUE;
    };
    base.skip_input_data = [](j_decompress_ptr info, long count) {
      auto* source = reinterpret_cast<Source*>(info->src);
      if (count <= 0) return;
      if (static_cast<size_t>(count) > source->base.bytes_in_buffer) return source->end();
      source->base.next_input_byte += count;
      source->base.bytes_in_buffer -= static_cast<size_t>(count);
    };
    info.src = &base;
  }

 private:
  void end() {
    static constexpr JOCTET end_marker[] = {0xff, JPEG_EOI};
    ended = true;
    base.next_input_byte = end_marker;
    base.bytes_in_buffer = sizeof end_marker;
  }
};

/// libjpeg's decompressor, with errors as exceptions. Its callbacks run inside C code, so they leave by longjmp: code
/// inside guarded() must own nothing.
class Decompressor {
 public:
  // Delegates so that the destructor runs even if reading the header fails.
  explicit Decompressor(std::span<const std::byte> bytes) : Decompressor() {
    guarded([&] {
      source_.attach(info_, bytes);
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
  /// Where the entropy decoder is in the file; nothing if it is beyond the end.
  const std::byte* place() const {
    return source_.ended ? nullptr : reinterpret_cast<const std::byte*>(source_.base.next_input_byte);
  }
  void read_rows(uint8_t* to) {
    const auto row_bytes = static_cast<size_t>(info_.output_width) * static_cast<size_t>(info_.output_components);
    guarded([&] {
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = to + info_.output_scanline * row_bytes;
        jpeg_read_scanlines(&info_, &row, 1);
      }
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
    if (setjmp(errors_.escape)) {
      if (errors_.base.msg_code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
      fail("damaged or cut short ({})", errors_.message);
    }
    f();
  }

  jpeg_decompress_struct info_{};
  ErrorManager errors_{};
  Source source_;
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

// Converts ink to light without a colour profile. The inks are stored inverted: Adobe's marker says so, and files
// without it are the same in practice, so Pillow takes all as such.
Image rgb_from_cmyk(const Image& cmyk) {
  const int64_t count = cmyk.height() * cmyk.width();
  Image rgb{Tensor::empty({cmyk.height(), cmyk.width(), 3}, DType::u8)};
  const auto* from = cmyk.pixels.data<uint8_t>();
  auto* to = rgb.pixels.mutable_data<uint8_t>();
  for (int64_t i = 0; i < count; ++i)
    for (int c = 0; c < 3; ++c) to[3 * i + c] = static_cast<uint8_t>((from[4 * i + c] * from[4 * i + 3] + 127) / 255);
  return rgb;
}

// Throws unless a file without an end marker has all pixels nevertheless. Where the data of an image with a single scan
// end too soon, the entropy decoder has complained, except for what follows.
void require_complete(const Decompressor& decompressor, jpeg_decompress_struct& info, std::span<const std::byte> bytes,
                      double passes) {
  constexpr std::ptrdiff_t read_ahead = 16;  // bytes that the decoder may hold beyond those that it has used
  const std::byte* end = bytes.data() + bytes.size();
  const auto content_end =
      std::find_if(std::make_reverse_iterator(end), std::make_reverse_iterator(bytes.data()), [](std::byte b) {
        return b != std::byte{0};
      }).base();
  const std::byte* place = decompressor.place() ? decompressor.place() : end;
  // An interrupted download may leave a file of the whole size, and zeros are valid codes.
  require(place - content_end <= read_ahead, "cut short (the rest of the file is zeros)");
  if (decompressor.place()) return;
  require(!info.arith_code, "cut short (no end marker)");  // the arithmetic decoder can't tell
  if (!jpeg_has_multiple_scans(&info)) return;
  require(passes >= 1, "cut short (scans are missing)");
  if (!info.coef_bits) return;
  for (int c = 0; c < info.num_components; ++c)
    for (int k = 0; k < DCTSIZE2; ++k) require(info.coef_bits[c][k] == 0, "cut short (scans are missing)");
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
  require_complete(decompressor, info, bytes, passes);
  if (info.out_color_space == JCS_CMYK) image = rgb_from_cmyk(image);
  return upright(image, orientation);
}

}  // namespace minissl
