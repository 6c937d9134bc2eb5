#include <charls/charls.h>
#include <memory>
#include <new>
#include <vector>

#include "data/decode/dicom_codecs.h"

namespace minissl {
namespace {

void check(charls_jpegls_errc error) {
  if (error == charls::jpegls_errc::not_enough_memory) throw std::bad_alloc();
  require(error == charls::jpegls_errc::success, "damaged or cut short ({})", charls_get_error_message(error));
}

// CharLS (2.4) may look for bits without end where the data end without a marker.
void require_end_marker(std::span<const std::byte> bytes) {
  while (!bytes.empty() && bytes.back() == std::byte{0}) bytes = bytes.first(bytes.size() - 1);
  require(bytes.size() >= 2 && bytes.back() == std::byte{0xd9} && bytes[bytes.size() - 2] == std::byte{0xff},
          "cut short (no end marker)");
}

}  // namespace

void decode_jpeg_ls(std::span<const std::byte> bytes, Pixels16& to) {
  require_end_marker(bytes);
  const std::unique_ptr<charls_jpegls_decoder, decltype(&charls_jpegls_decoder_destroy)> decoder(
      charls_jpegls_decoder_create(), charls_jpegls_decoder_destroy);
  if (!decoder) throw std::bad_alloc();
  check(charls_jpegls_decoder_set_source_buffer(decoder.get(), bytes.data(), bytes.size()));
  check(charls_jpegls_decoder_read_header(decoder.get()));
  charls_frame_info frame{};
  check(charls_jpegls_decoder_get_frame_info(decoder.get(), &frame));
  require(frame.width == to.width() && frame.height == to.height() && frame.component_count == to.channels(),
          "damaged (its compressed pixels have another size)");
  charls_interleave_mode interleaved = charls::interleave_mode::none;
  check(charls_jpegls_decoder_get_interleave_mode(decoder.get(), &interleaved));
  size_t size = 0;
  check(charls_jpegls_decoder_get_destination_size(decoder.get(), 0, &size));
  const bool wide = frame.bits_per_sample > 8;
  const auto values = to.values();
  require(size == values.size() * (wide ? 2 : 1), "damaged (its compressed pixels have another size)");
  const Tensor decoded = Tensor::empty({static_cast<int64_t>(size)}, DType::u8);
  check(charls_jpegls_decoder_decode_to_buffer(decoder.get(), decoded.bytes_begin(), size, 0));
  const auto channels = static_cast<size_t>(to.channels()), count = values.size() / channels;
  const auto at = [&](size_t i) {
    return wide ? reinterpret_cast<const uint16_t*>(decoded.bytes_begin())[i]
                : std::to_integer<uint16_t>(decoded.bytes_begin()[i]);
  };
  const bool planes = interleaved == charls::interleave_mode::none && channels > 1;
  for (size_t i = 0; i < count; ++i)
    for (size_t c = 0; c < channels; ++c) values[i * channels + c] = at(planes ? c * count + i : i * channels + c);
}

}  // namespace minissl
