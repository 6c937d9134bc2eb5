#include "data/decode/png_rows.h"

#include <algorithm>
#include <cstring>
#include <libdeflate.h>
#include <memory>
#include <new>

namespace minissl {
namespace {

constexpr size_t longest_block = 65535, around_block = 5, around_stream = 2 + 4;  // header; checksum

// What the IDAT chunks hold together; copied only if there are several.
std::span<const std::byte> compressed_of(std::span<const std::byte> bytes, Tensor& joined) {
  std::vector<std::span<const std::byte>> parts;
  int64_t size = 0;
  for_each_png_chunk(bytes, [&](std::string_view type, std::span<const std::byte> content) {
    if (type != "IDAT") return;
    parts.push_back(content);
    size += static_cast<int64_t>(content.size());
  });
  if (parts.size() == 1) return parts.front();
  joined = Tensor::empty({size}, DType::u8);
  std::byte* to = joined.bytes_begin();
  for (const auto& part : parts) to = std::copy(part.begin(), part.end(), to);
  return {joined.bytes_begin(), static_cast<size_t>(size)};
}

}  // namespace

std::optional<Tensor> inflate_png_rows(std::span<const std::byte> bytes, const PngHeader& header) {
  Tensor joined;
  const std::span<const std::byte> compressed = compressed_of(bytes, joined);
  const Tensor rows = Tensor::empty({static_cast<int64_t>(bytes_of_png_rows(header))}, DType::u8);
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!decompressor) throw std::bad_alloc();
  // Without a place for the number of bytes, any other number than that of the rows is a failure.
  const auto result = libdeflate_zlib_decompress(decompressor.get(), compressed.data(), compressed.size(),
                                                 rows.bytes_begin(), static_cast<size_t>(rows.bytes()), nullptr);
  if (result != LIBDEFLATE_SUCCESS) return std::nullopt;
  return rows;
}

size_t StoredStream::length_of(size_t content) {
  const size_t blocks = std::max<size_t>(1, (content + longest_block - 1) / longest_block);
  return content + blocks * around_block + around_stream;
}

void StoredStream::begin_block() {
  in_block_ = std::min(left_.size(), longest_block);
  const auto length = static_cast<uint16_t>(in_block_);
  const bool last = in_block_ == left_.size();
  const auto byte = [this](unsigned value) { pending_.push_back(static_cast<std::byte>(value & 0xff)); };
  byte(last ? 1 : 0);
  for (const unsigned v : {unsigned{length}, ~unsigned{length} & 0xffff}) byte(v), byte(v >> 8);
}

size_t StoredStream::read(std::byte* to, size_t count) {
  size_t done = 0;
  while (done < count) {
    if (!pending_.empty()) {
      const size_t part = std::min(count - done, pending_.size());
      std::memcpy(to + done, pending_.data(), part);
      pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(part));
      done += part;
    } else if (in_block_ > 0) {
      const size_t part = std::min(count - done, in_block_);
      std::memcpy(to + done, left_.data(), part);
      left_ = left_.subspan(part);
      in_block_ -= part, done += part;
    } else if (!left_.empty()) {
      begin_block();
    } else if (!ended_) {
      ended_ = true;
      // The reader doesn't compare the checksum: libdeflate has.
      pending_.assign(4, std::byte{0});
    } else {
      break;
    }
  }
  return done;
}

}  // namespace minissl
