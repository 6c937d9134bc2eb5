#include "data/encode_jpeg.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>
// jpeglib.h needs FILE and size_t declared before it.
#include <jpeglib.h>

namespace minissl {
namespace {

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf escape;
};

/// libjpeg's compressor. Its callbacks leave by longjmp: code between setjmp and there must own nothing.
class Compressor {
 public:
  Compressor() {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = [](j_common_ptr info) {
      std::longjmp(reinterpret_cast<ErrorManager*>(info->err)->escape, 1);
    };
    if (setjmp(errors_.escape)) throw std::bad_alloc();  // the only failure before there is any input
    jpeg_create_compress(&info_);
  }
  ~Compressor() {
    jpeg_destroy_compress(&info_);
    std::free(bytes_);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  std::vector<std::byte> compress(const uint8_t* pixels, int64_t height, int64_t width, int64_t channels, int quality) {
    if (setjmp(errors_.escape)) fail("can't be written as a JPEG of {} x {} pixels", width, height);
    jpeg_mem_dest(&info_, &bytes_, &size_);
    info_.image_height = static_cast<JDIMENSION>(height);
    info_.image_width = static_cast<JDIMENSION>(width);
    info_.input_components = static_cast<int>(channels);
    info_.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    info_.optimize_coding = TRUE;
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(pixels + static_cast<int64_t>(info_.next_scanline) * width * channels);
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    const auto* begin = reinterpret_cast<const std::byte*>(bytes_);
    return {begin, begin + size_};
  }

 private:
  jpeg_compress_struct info_{};
  ErrorManager errors_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  require(image.pixels.dtype() == DType::u8, "a JPEG has 8 bits, and the image more");
  return Compressor().compress(image.pixels.data<uint8_t>(), image.height(), image.width(), image.channels(), quality);
}

}  // namespace minissl
