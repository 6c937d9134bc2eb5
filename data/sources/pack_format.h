#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "tensor/dtype.h"

/// The format of packs (data/sources/pack.h), version 3. All numbers are little-endian, checksums are XXH3-64.
///
///   16 bytes   "minissl pack 3\n\n"
///   header     u64 length, u64 checksum; text: what was packed and how (PackHeader)
///   blocks     each at a multiple of 64: BlockHeader; index: `images` records with their names; samples, each at a
///              multiple of 64, each with a checksum in its record
///   table      for each block its place and the number of its first image (u64 each)
///   footer     place of the table, blocks, images, checksum of the table and these (u64 each); "minissl\n"
///
/// Opening a pack reads its header and its table, of 16 bytes for some hundred images. A block can be read without the
/// footer, so that a pack whose writing was interrupted can be continued.
namespace minissl {

inline constexpr std::string_view pack_magic = "minissl pack 3\n\n", pack_end = "minissl\n";
inline constexpr int64_t pack_alignment = 64;

/// What a pack is of.
struct PackHeader {
  std::string origin;  ///< the data set and how its images were prepared; packing goes on only with the same
  std::vector<std::string> class_names, label_names = {};  ///< as in Dataset

  std::string encoded() const;  ///< with its length and checksum
};

/// How the bytes of a sample are to be read.
enum class SampleType : uint8_t {
  u8,       ///< (H, W, C) pixels
  f32,      ///< the same, in [0, 1]
  encoded,  ///< a file that decode_image() reads
};

/// A sample of a block.
struct SampleRecord {
  int64_t begin = 0, bytes = 0;  ///< within the pack
  uint32_t height = 0, width = 0;
  uint8_t channels = 0;
  SampleType type = SampleType::u8;
  int32_t label = -1;
  uint64_t checksum = 0;
  std::string name = {}, patient = {};
  std::vector<Label> labels = {};  ///< one for each label name
};

struct BlockHeader {
  uint64_t magic, images, source_end, index_bytes, data_bytes;
  uint64_t data_checksum, checksum;  ///< of the samples with what lies between them; of the other numbers and the index
  static constexpr uint64_t expected_magic = 0x0a6b636f6c424b50;
};

/// Reads `count` bytes of a pack from `offset`; throws Error if there are fewer.
using ReadPack = std::function<void(int64_t offset, void* bytes, size_t count)>;

/// Reads the header and returns the place of the first block. Throws Error for what isn't a pack of this version, is
/// truncated or differs from its checksum.
int64_t read_pack_header(const ReadPack& read, int64_t size, PackHeader& header);

/// A block's index.
struct PackBlock {
  std::vector<SampleRecord> samples;
  int64_t source_end = 0;  ///< images of the packed data set up to the end of this block, unreadable ones included
  int64_t data_begin = 0, end = 0;  ///< of its samples in the pack
  uint64_t data_checksum = 0;

  /// Reads the index of the block at `begin`. Throws Error if it is truncated, damaged or contradicts itself.
  static PackBlock read(const ReadPack& read, int64_t begin, int64_t size, const PackHeader& header);
  /// A block that begins at `begin`, up to its samples, which are `data`.
  static std::string encode(const std::vector<SampleRecord>& samples, std::string_view data, int64_t source_end,
                            int64_t begin);
};

struct PackTable {
  struct Entry {
    uint64_t begin, first_image;
  };
  std::vector<Entry> blocks;
  int64_t images = 0;

  static PackTable read(const ReadPack& read, int64_t first_block, int64_t size);
  std::string encode(int64_t begin) const;
};

inline int64_t aligned(int64_t at) { return (at + pack_alignment - 1) / pack_alignment * pack_alignment; }

}  // namespace minissl
