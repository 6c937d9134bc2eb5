#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <webp/decode.h>
#include <webp/demux.h>

#include "data/decode/exif.h"
#include "data/decode/formats.h"
#include "data/decode/on_black.h"

namespace minissl {
namespace {

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

struct Frame : WebPIterator {
  Frame(const WebPDemuxer* demuxer) { found = WebPDemuxGetFrame(demuxer, 1, this) != 0; }
  ~Frame() { WebPDemuxReleaseIterator(this); }
  bool found;
};

int orientation_of(const WebPDemuxer* demuxer) {
  struct Chunk : WebPChunkIterator {
    ~Chunk() { WebPDemuxReleaseChunkIterator(this); }
  } chunk{};
  if (!WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) return 1;
  return exif_orientation(std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size)));
}

void check(VP8StatusCode status) {
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
  require(status == VP8_STATUS_OK, "damaged or cut short (WebP's status {})", static_cast<int>(status));
}

}  // namespace

Image decode_webp(std::span<const std::byte> bytes, const DecodeOptions&) {
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const Demuxer demuxer(WebPDemux(&data), WebPDemuxDelete);
  require(demuxer != nullptr, "damaged or cut short (its parts don't fit together)");
  const int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  require_decodable_size(width, height);
  const Frame frame(demuxer.get());
  require(frame.found && frame.complete, "damaged or cut short (no picture in it)");

  WebPDecoderConfig config;
  require(WebPInitDecoderConfig(&config) != 0, "libwebp has another version than the one this was built for");
  check(WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &config.input));
  require(frame.x_offset >= 0 && frame.y_offset >= 0 && frame.x_offset + config.input.width <= width &&
              frame.y_offset + config.input.height <= height,
          "damaged (a picture of {} x {} pixels on a canvas of {} x {})", config.input.width, config.input.height,
          width, height);
  const int channels = config.input.has_alpha ? 4 : 3;
  // Black where the first frame isn't.
  const Tensor pixels = Tensor::zeros({height, width, channels}, DType::u8);
  const int64_t stride = width * channels;
  const int64_t begin = frame.y_offset * stride + frame.x_offset * channels;
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = reinterpret_cast<uint8_t*>(pixels.bytes_begin()) + begin;
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size = static_cast<size_t>(pixels.bytes() - begin);
  check(WebPDecode(frame.fragment.bytes, frame.fragment.size, &config));
  return upright(image_of(pixels), orientation_of(demuxer.get()));
}

}  // namespace minissl
