#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "data/decode/png_chunks.h"
#include "tensor/tensor.h"

namespace minissl {

/// The rows of a checked PNG with their filters, inflated by libdeflate, which is faster than zlib within libspng.
/// Nothing if the compressed data are damaged or hold anything but the rows: libspng then decides.
std::optional<Tensor> inflate_png_rows(std::span<const std::byte> bytes, const PngHeader& header);

/// Writes a zlib stream of bytes as they are: its blocks are stored, not compressed. Any number of bytes at a time.
class StoredStream {
 public:
  explicit StoredStream(std::span<const std::byte> content) : left_(content), size_(length_of(content.size())) {}

  /// Of the whole stream.
  size_t size() const { return size_; }
  /// The next `count` bytes; fewer if the stream ends.
  size_t read(std::byte* to, size_t count);

  static size_t length_of(size_t content);

 private:
  void begin_block();

  std::span<const std::byte> left_;
  size_t size_, in_block_ = 0;
  std::vector<std::byte> pending_ = {std::byte{0x78}, std::byte{0x01}};  // before the next content
  bool ended_ = false;
};

}  // namespace minissl
