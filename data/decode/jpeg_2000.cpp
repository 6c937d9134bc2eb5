#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <openjpeg.h>
#include <string>

#include "data/decode/dicom_codecs.h"

namespace minissl {
namespace {

/// Bytes in memory as OpenJPEG reads them.
struct Source {
  std::span<const std::byte> bytes;
  size_t at = 0;

  static OPJ_SIZE_T read(void* to, OPJ_SIZE_T count, void* self) {
    auto& s = *static_cast<Source*>(self);
    const size_t part = std::min<size_t>(count, s.bytes.size() - s.at);
    if (part == 0) return static_cast<OPJ_SIZE_T>(-1);
    std::memcpy(to, &s.bytes[s.at], part);
    s.at += part;
    return part;
  }
  static OPJ_OFF_T skip(OPJ_OFF_T count, void* self) {
    auto& s = *static_cast<Source*>(self);
    if (count < 0 || static_cast<size_t>(count) > s.bytes.size() - s.at) return -1;
    s.at += static_cast<size_t>(count);
    return count;
  }
  static OPJ_BOOL seek(OPJ_OFF_T to, void* self) {
    auto& s = *static_cast<Source*>(self);
    if (to < 0 || static_cast<size_t>(to) > s.bytes.size()) return OPJ_FALSE;
    s.at = static_cast<size_t>(to);
    return OPJ_TRUE;
  }
};

struct StreamDeleter {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct CodecDeleter {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct ImageDeleter {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};

// The first message is the cause of the others.
void keep_message(const char* text, void* kept) {
  auto& message = *static_cast<std::string*>(kept);
  if (message.empty()) message.assign(text, std::strcspn(text, "\r\n"));
}

// OpenJPEG takes some kilobytes for each tile that the header claims, of which a file of a hundred bytes may have
// 65,535.
void require_sensible_tiles(std::span<const std::byte> bytes, const Pixels16& to) {
  constexpr size_t tile_size_at = 24;
  constexpr int64_t least_pixels = 1024;
  const auto number = [&](size_t at) {
    int64_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<int64_t>(bytes[at + i]);
    return value;
  };
  require(bytes.size() > tile_size_at + 8 && number(0) == 0xff4fff51,
          "damaged (its pixels are no JPEG 2000 codestream)");
  const int64_t width = number(tile_size_at), height = number(tile_size_at + 4);
  require(width > 0 && height > 0, "damaged (tiles of {} x {} pixels)", width, height);
  const int64_t tiles = ((to.width() - 1) / width + 1) * ((to.height() - 1) / height + 1);
  require(tiles <= 1 + to.width() * to.height() / least_pixels, "tiles of {} x {} pixels are not supported", width,
          height);
}

void require_size(const opj_image_t& image, const Pixels16& to) {
  require(image.numcomps == to.channels(), "damaged (its compressed pixels have {} channels)", image.numcomps);
  for (OPJ_UINT32 c = 0; c < image.numcomps; ++c) {
    const opj_image_comp_t& component = image.comps[c];
    require(component.dx == 1 && component.dy == 1 && component.w == to.width() && component.h == to.height(),
            "damaged (its compressed pixels have another size)");
    require(component.prec <= 16, "JPEG 2000 of {} bits isn't supported", component.prec);
  }
}

}  // namespace

void decode_jpeg_2000(std::span<const std::byte> bytes, Pixels16& to) {
  require_sensible_tiles(bytes, to);
  Source source{bytes};
  std::string message;
  const std::unique_ptr<opj_stream_t, StreamDeleter> stream(opj_stream_default_create(OPJ_TRUE));
  const std::unique_ptr<opj_codec_t, CodecDeleter> codec(opj_create_decompress(OPJ_CODEC_J2K));
  if (!stream || !codec) throw std::bad_alloc();
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), bytes.size());
  opj_stream_set_read_function(stream.get(), Source::read);
  opj_stream_set_skip_function(stream.get(), Source::skip);
  opj_stream_set_seek_function(stream.get(), Source::seek);
  opj_set_error_handler(codec.get(), keep_message, &message);
  const auto check = [&](bool good) {
    require(good, "damaged or cut short ({})", message.empty() ? "OpenJPEG doesn't say why" : message);
  };
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  check(opj_setup_decoder(codec.get(), &parameters));

  opj_image_t* read = nullptr;
  const bool good = opj_read_header(stream.get(), codec.get(), &read) != 0;
  const std::unique_ptr<opj_image_t, ImageDeleter> image(read);
  check(good && image);
  require_size(*image, to);
  check(opj_decode(codec.get(), stream.get(), image.get()) && opj_end_decompress(codec.get(), stream.get()));
  require_size(*image, to);
  const auto channels = static_cast<size_t>(to.channels());
  const auto values = to.values();
  for (size_t c = 0; c < channels; ++c) {
    const OPJ_INT32* from = image->comps[c].data;
    check(from != nullptr);
    for (size_t i = c; i < values.size(); i += channels) values[i] = static_cast<uint16_t>(*from++);
  }
}

}  // namespace minissl
