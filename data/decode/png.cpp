#include <cstdint>
#include <memory>
#include <new>
#include <spng.h>

#include "data/decode/exif.h"
#include "data/decode/formats.h"
#include "data/decode/on_black.h"
#include "data/decode/png_chunks.h"
#include "data/decode/png_rows.h"
#include "data/decode/sixteen_bits.h"

namespace minissl {
namespace {

/// Pixels as libspng gives them: (H, W, C) of 8 or 16 bits.
struct Layout {
  spng_format format;
  int channels;
};

Layout layout_of(const PngHeader& header) {
  const bool gray = header.color_type == 0 || header.color_type == 4, deep = header.bits == 16;
  const bool alpha = header.color_type >= 4 || header.transparency;
  if (gray && header.color_type == 4) return {SPNG_FMT_PNG, 2};
  if (gray && alpha && deep) return {SPNG_FMT_GA16, 2};
  if (gray && alpha) return {SPNG_FMT_GA8, 2};
  if (gray) return {deep ? SPNG_FMT_PNG : SPNG_FMT_G8, 1};
  if (alpha) return {deep ? SPNG_FMT_RGBA16 : SPNG_FMT_RGBA8, 4};
  return {deep ? SPNG_FMT_PNG : SPNG_FMT_RGB8, 3};
}

void check(int status) {
  if (status == SPNG_EMEM) throw std::bad_alloc();
  require(status == 0, "damaged ({})", spng_strerror(status));
}

int read_chunks(spng_ctx*, void* chunks, void* to, size_t count) {
  return static_cast<PngPixelChunks*>(chunks)->read(static_cast<std::byte*>(to), count) ? 0 : SPNG_IO_EOF;
}

class Decoder {
 public:
  Decoder(std::span<const std::byte> bytes, const PngHeader& header)
      : header_(header),
        layout_(layout_of(header)),
        rows_(inflate_png_rows(bytes, header)),
        stream_(rows_ ? std::span(rows_->bytes_begin(), static_cast<size_t>(rows_->bytes())) : std::span<std::byte>()),
        chunks_(bytes, header, rows_ ? &stream_ : nullptr),
        png_(spng_ctx_new(rows_ ? SPNG_CTX_IGNORE_ADLER32 : 0), spng_ctx_free) {
    if (!png_) throw std::bad_alloc();
    check(spng_set_image_limits(png_.get(), static_cast<uint32_t>(header.width), static_cast<uint32_t>(header.height)));
    // check_png_chunks() compared the checksums.
    check(spng_set_crc_action(png_.get(), SPNG_CRC_USE, SPNG_CRC_USE));
    check(spng_set_png_stream(png_.get(), read_chunks, &chunks_));
  }

  int channels() const { return layout_.channels; }
  void decode(void* to, size_t bytes) {
    size_t needed = 0;
    check(spng_decoded_image_size(png_.get(), layout_.format, &needed));
    require(needed == bytes, "damaged (its header contradicts itself)");
    check(spng_decode_image(png_.get(), to, bytes, layout_.format, header_.transparency ? SPNG_DECODE_TRNS : 0));
  }

 private:
  const PngHeader& header_;
  Layout layout_;
  std::optional<Tensor> rows_;
  StoredStream stream_;
  PngPixelChunks chunks_;
  std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)> png_;
};

}  // namespace

Image decode_png(std::span<const std::byte> bytes, const DecodeOptions& options) {
  const PngHeader header = check_png_chunks(bytes);
  Decoder decoder(bytes, header);
  if (header.bits == 16) {
    Pixels16 pixels(header.height, header.width, decoder.channels());
    decoder.decode(pixels.values().data(), pixels.values().size_bytes());
    return upright(image_of(pixels, options), header.orientation);
  }
  const Tensor pixels = Tensor::empty({header.height, header.width, decoder.channels()}, DType::u8);
  decoder.decode(pixels.bytes_begin(), static_cast<size_t>(pixels.bytes()));
  return upright(image_of(pixels), header.orientation);
}

bool png_needs_white_level(std::span<const std::byte> bytes) {
  constexpr size_t bits_at = 24;  // in every PNG: the signature and the header have fixed sizes
  return bytes.size() > bits_at && bytes[bits_at] == std::byte{16};
}

}  // namespace minissl
