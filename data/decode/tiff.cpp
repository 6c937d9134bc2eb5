#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>

#include "data/decode/exif.h"
#include "data/decode/formats.h"
#include "data/decode/on_black.h"
#include "data/decode/sixteen_bits.h"
#include "data/decode/tiff_file.h"

namespace minissl {

constinit const std::string_view why_no_tiff;

namespace {

/// What is needed of the page that is open.
struct Page {
  int64_t width, height;
  int bits, samples, format, photometric, planar, orientation, compression;
  bool reduced;  ///< a thumbnail or a mask of another page

  explicit Page(const TiffFile& file)
      : width(file.tag<uint32_t>(TIFFTAG_IMAGEWIDTH, 0)),
        height(file.tag<uint32_t>(TIFFTAG_IMAGELENGTH, 0)),
        bits(file.tag<uint16_t>(TIFFTAG_BITSPERSAMPLE, 1)),
        samples(file.tag<uint16_t>(TIFFTAG_SAMPLESPERPIXEL, 1)),
        format(file.tag<uint16_t>(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT)),
        photometric(file.tag<uint16_t>(TIFFTAG_PHOTOMETRIC, 0xffff)),
        planar(file.tag<uint16_t>(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG)),
        orientation(file.tag<uint16_t>(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT)),
        compression(file.tag<uint16_t>(TIFFTAG_COMPRESSION, COMPRESSION_NONE)),
        reduced(file.tag<uint32_t>(TIFFTAG_SUBFILETYPE, 0) & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) {}
};

void require_supported(const Page& page) {
  require_decodable_size(page.width, page.height);
  require(!page.reduced, "its first page is a thumbnail, as in a camera's raw file; convert it to a TIFF of one page");
  require(page.format == SAMPLEFORMAT_UINT || page.format == SAMPLEFORMAT_VOID,
          "a TIFF of {} isn't supported: nothing says which value is white; convert it to 16 bits",
          page.format == SAMPLEFORMAT_IEEEFP ? "floating-point numbers"
          : page.format == SAMPLEFORMAT_INT  ? "signed numbers"
                                             : "complex numbers");
  require(page.bits == 1 || page.bits == 2 || page.bits == 4 || page.bits == 8 || page.bits == 16,
          "a TIFF of {} bits isn't supported; convert it to 8 or 16 bits", page.bits);
  require(1 <= page.samples && page.samples <= 4, "a TIFF of {} channels isn't supported", page.samples);
  constexpr std::array compressions = {COMPRESSION_NONE,      COMPRESSION_CCITTRLE,      COMPRESSION_CCITTFAX3,
                                       COMPRESSION_CCITTFAX4, COMPRESSION_LZW,           COMPRESSION_JPEG,
                                       COMPRESSION_DEFLATE,   COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS,
                                       COMPRESSION_LZMA,      COMPRESSION_ZSTD,          COMPRESSION_WEBP};
  require(std::find(compressions.begin(), compressions.end(), page.compression) != compressions.end() &&
              TIFFIsCODECConfigured(static_cast<uint16_t>(page.compression)),
          "a TIFF with compression {} isn't supported", page.compression);
}

// Pages that are smaller versions of the first are left out; others would be lost.
void require_single_image(const TiffFile& file, const Page& first) {
  constexpr int most_looked_at = 16;  // of a hostile file's thousands
  for (int n = 0; n < most_looked_at && TIFFReadDirectory(file.get()); ++n) {
    const Page page(file);
    require(page.reduced || (page.width < first.width && page.height < first.height),
            "it has several pages; write each to a file of its own");
  }
  file.check(TIFFSetDirectory(file.get(), 0) != 0);
}

/// A page's pixels come in blocks: its tiles, or its strips, which are tiles of its whole width.
struct Blocks {
  bool tiled;
  int64_t width, height, bytes;

  Blocks(const TiffFile& file, const Page& page) : tiled(TIFFIsTiled(file.get()) != 0) {
    width = tiled ? file.tag<uint32_t>(TIFFTAG_TILEWIDTH, 0) : page.width;
    height = tiled ? file.tag<uint32_t>(TIFFTAG_TILELENGTH, 0)
                   : std::min<int64_t>(file.tag<uint32_t>(TIFFTAG_ROWSPERSTRIP, 0xffffffff), page.height);
    require(width > 0 && height > 0, "damaged (blocks of {} x {} pixels)", width, height);
    require_decodable_size(width, height);
    bytes = tiled ? TIFFTileSize(file.get()) : TIFFStripSize(file.get());
  }
};

Image read_16_bits(const TiffFile& file, const Page& page, const DecodeOptions& options) {
  require((page.photometric == PHOTOMETRIC_MINISBLACK && page.samples <= 2) ||
              (page.photometric == PHOTOMETRIC_MINISWHITE && page.samples == 1) ||
              (page.photometric == PHOTOMETRIC_RGB && page.samples >= 3),
          "a TIFF of 16 bits with {} channels and colour model {} isn't supported", page.samples, page.photometric);
  const Blocks blocks(file, page);
  const bool separate = page.planar == PLANARCONFIG_SEPARATE && page.samples > 1;
  const int64_t in_block = separate ? 1 : page.samples;
  require(blocks.bytes == blocks.width * blocks.height * in_block * 2, "damaged (blocks of {} bytes)", blocks.bytes);
  const Tensor buffer = Tensor::empty({blocks.bytes}, DType::u8);
  const auto* block = reinterpret_cast<const uint16_t*>(buffer.bytes_begin());
  Pixels16 pixels(page.height, page.width, page.samples);
  uint16_t* to = pixels.values().data();
  for (int64_t plane = 0; plane < (separate ? page.samples : 1); ++plane)
    for (int64_t y = 0; y < page.height; y += blocks.height)
      for (int64_t x = 0; x < page.width; x += blocks.width) {
        const auto x32 = static_cast<uint32_t>(x), y32 = static_cast<uint32_t>(y);
        const auto plane16 = static_cast<uint16_t>(plane);
        const int64_t rows = std::min(blocks.height, page.height - y), columns = std::min(blocks.width, page.width - x);
        const int64_t expected = blocks.tiled ? blocks.bytes : rows * blocks.width * in_block * 2;
        const tmsize_t got = blocks.tiled
                                 ? TIFFReadEncodedTile(file.get(), TIFFComputeTile(file.get(), x32, y32, 0, plane16),
                                                       buffer.bytes_begin(), blocks.bytes)
                                 : TIFFReadEncodedStrip(file.get(), TIFFComputeStrip(file.get(), y32, plane16),
                                                        buffer.bytes_begin(), expected);
        file.check(got == expected);
        for (int64_t row = 0; row < rows; ++row)
          for (int64_t column = 0; column < columns; ++column)
            for (int64_t c = 0; c < in_block; ++c)
              to[((y + row) * page.width + x + column) * page.samples + plane + c] =
                  block[(row * blocks.width + column) * in_block + c];
      }
  Image image = image_of(pixels, options);
  if (page.photometric == PHOTOMETRIC_MINISWHITE) {
    auto* values = image.pixels.mutable_data<float>();
    std::transform(values, values + image.pixels.numel(), values, [](float v) { return 1 - v; });
  }
  return image;
}

// libtiff converts all of 8 bits and less: palettes, YCbCr, CMYK, alpha composited on black.
Image read_8_bits(const TiffFile& file, const Page& page) {
  std::ignore = Blocks(file, page);
  char reason[1024] = "";
  require(TIFFRGBAImageOK(file.get(), reason) != 0, "not supported ({})", reason);
  // libtiff mirrors, but doesn't rotate: it is told that there is nothing to do.
  file.check(TIFFSetField(file.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) != 0);
  const Tensor raster = Tensor::empty({page.height, page.width, 4}, DType::u8);
  auto* words = reinterpret_cast<uint32_t*>(raster.bytes_begin());
  file.check(TIFFReadRGBAImageOriented(file.get(), static_cast<uint32_t>(page.width),
                                       static_cast<uint32_t>(page.height), words, ORIENTATION_TOPLEFT, 1) != 0);
  const bool gray = page.photometric == PHOTOMETRIC_MINISBLACK || page.photometric == PHOTOMETRIC_MINISWHITE;
  Image image{Tensor::empty({page.height, page.width, gray ? 1 : 3}, DType::u8)};
  auto* to = image.pixels.mutable_data<uint8_t>();
  for (int64_t i = 0; i < page.height * page.width; ++i) {
    *to++ = static_cast<uint8_t>(TIFFGetR(words[i]));
    if (!gray) *to++ = static_cast<uint8_t>(TIFFGetG(words[i])), *to++ = static_cast<uint8_t>(TIFFGetB(words[i]));
  }
  return image;
}

}  // namespace

Image decode_tiff(std::span<const std::byte> bytes, const DecodeOptions& options) {
  const TiffFile file(bytes);
  const Page page(file);
  require_supported(page);
  require_single_image(file, page);
  const Image image = page.bits == 16 ? read_16_bits(file, page, options) : read_8_bits(file, page);
  return upright(image, 1 <= page.orientation && page.orientation <= 8 ? page.orientation : 1);
}

bool tiff_needs_white_level(std::span<const std::byte> bytes) {
  try {
    const TiffFile file(bytes);
    return Page(file).bits == 16;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace minissl
