#include "tests/data/image_files.h"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>
// jpeglib.h needs FILE and size_t declared before it.
#include <atomic>
#include <jpeglib.h>
#include <zlib.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>

#include "data/dataset.h"
#include "tensor/error.h"

namespace minissl::test {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  static std::atomic<int> count{0};
  path_ = fs::temp_directory_path() / fmt::format("minissl-data-{}-{}", getpid(), count++);
  fs::create_directories(path_);
}
TemporaryFolder::~TemporaryFolder() { fs::remove_all(path_); }

fs::path TemporaryFolder::file(const std::string& name) const {
  const fs::path file = path_ / std::u8string(name.begin(), name.end());
  fs::create_directories(file.parent_path());
  return file;
}

std::string png(int width, int height, int channels, const std::vector<uint8_t>& pixels) {
  int length = 0;
  unsigned char* bytes = stbi_write_png_to_mem(pixels.data(), width * channels, width, height, channels, &length);
  std::string content(reinterpret_cast<char*>(bytes), static_cast<size_t>(length));
  std::free(bytes);
  return content;
}

namespace {

std::string big_endian(uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}

std::string chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(content.size())) + body + big_endian(static_cast<uint32_t>(checksum));
}

}  // namespace

std::string png_of(uint32_t width, uint32_t height, int bits, int color_type, const std::string& rows,
                   const std::string& extra_chunk_type, const std::string& extra_chunk) {
  uLongf length = compressBound(rows.size());
  std::string packed(length, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()), &length, reinterpret_cast<const Bytef*>(rows.data()), rows.size(),
            6);
  packed.resize(length);
  const std::string header = big_endian(width) + big_endian(height) + static_cast<char>(bits) +
                             static_cast<char>(color_type) + std::string(3, '\0');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) +
         (extra_chunk_type.empty() ? "" : chunk(extra_chunk_type, extra_chunk)) + chunk("IDAT", packed) +
         chunk("IEND", "");
}

std::string png16(int width, int height, int channels, const std::vector<uint16_t>& pixels) {
  constexpr int color_types[5] = {0, 0, 4, 2, 6};
  std::string rows;
  for (int y = 0; y < height; ++y) {
    rows += '\0';  // unfiltered
    for (int i = 0; i < width * channels; ++i) {
      const uint16_t v = pixels[static_cast<size_t>(y * width * channels + i)];
      rows += static_cast<char>(v >> 8);
      rows += static_cast<char>(v & 255);
    }
  }
  return png_of(static_cast<uint32_t>(width), static_cast<uint32_t>(height), 16, color_types[channels], rows);
}

std::string jpeg(int width, int height, int channels, const std::vector<uint8_t>& pixels, const JpegOptions& options) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&info, &bytes, &length);
  info.image_width = static_cast<JDIMENSION>(width), info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : options.cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, options.quality, TRUE);
  for (int c = 0; c < info.num_components; ++c)  // no chroma subsampling: tests compare colours
    info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
  if (options.cmyk) info.write_Adobe_marker = TRUE;
  jpeg_scan_info scans[3] = {};
  for (int c = 0; c < 3; ++c) scans[c].comps_in_scan = 1, scans[c].component_index[0] = c, scans[c].Se = 63;
  if (options.separate_scans) info.scan_info = scans, info.num_scans = channels;
  if (options.progressive) jpeg_simple_progression(&info);
  std::vector<jpeg_scan_info> progression(options.bands ? 1 : 0);
  for (int c = 0; options.bands && c < channels; ++c) {
    progression[0].comps_in_scan = channels, progression[0].component_index[c] = c;
    for (int band = 0; band < options.bands; ++band)
      progression.push_back(
          {1, {c}, 1 + 63 * band / options.bands, 63 * (band + 1) / options.bands, 0, options.refinements});
    for (int left = options.refinements; left > 0; --left) progression.push_back({1, {c}, 1, 63, left, left - 1});
  }
  if (options.bands) info.scan_info = progression.data(), info.num_scans = static_cast<int>(progression.size());
  jpeg_start_compress(&info, TRUE);
  if (options.orientation) {
    // Little-endian TIFF: one entry, tag 0x0112, a short.
    std::string exif("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 24);
    exif += static_cast<char>(options.orientation) + std::string(7, '\0');
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(exif.data()),
                      static_cast<unsigned>(exif.size()));
  }
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(pixels.data() + info.next_scanline * static_cast<size_t>(width * channels));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string content(reinterpret_cast<char*>(bytes), length);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return content;
}

std::vector<uint8_t> gradient(int width, int height, int channels) {
  std::vector<uint8_t> pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        pixels.push_back(static_cast<uint8_t>(20 + 150 * x / width + (60 + 15 * c) * y * y / (height * height)));
  return pixels;
}

std::string reason_to_refuse(const std::string& spec) {
  try {
    open_dataset(spec, 3, 0);
  } catch (const Error& error) {
    return error.what();
  }
  return "opened";
}

}  // namespace minissl::test
