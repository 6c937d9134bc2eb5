#pragma once
#include <filesystem>
#include <optional>

#include "data/dataset.h"
#include "tensor/atomic_file.h"
#include "tensor/input_file.h"

/// Data sets in one file, decoded once: the pixels of all images, then an index. Reading an image requires no decoding
/// and no opening of files, and processes that read the same pack share it in the system's cache of files.
///
/// All numbers are little-endian. The file: 16 bytes of magic; the pixels of each image, (H, W, C) u8 or f32, at a
/// multiple of 64; the index; 40 bytes of footer: offset of the index, its length, the number of images, the checksum
/// of the index and these three numbers (u64 each), and "minissl\n". The index: the number of classes (u32) and their
/// names; then for each image the offset of its pixels (u64), height and width (u32), channels and type (u8: 0 u8, 1
/// f32), label (i32, -1: none), name, checksum of its pixels (u64). A string is stored as its length (u32) and bytes.
/// Checksums are XXH3-64. Version 1 lacks them and is still read.
namespace minissl {

/// Whether a regular file begins with a pack's magic.
bool is_pack(const std::filesystem::path& path);

/// A pack. Its index is in memory, its images are read when they are asked for.
class PackFile final : public Dataset {
 public:
  /// Throws Error if the file can't be read, is truncated, contradicts itself, or its index differs from its checksum.
  PackFile(const std::filesystem::path& path, int channels);

  int64_t size() const override { return static_cast<int64_t>(entries_.size()); }
  /// Throws ImageError if the pixels can't be read (a file may shrink while it is open) or differ from their checksum.
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override { return entries_[static_cast<size_t>(i)].label; }
  std::string name(int64_t i) const override { return entries_[static_cast<size_t>(i)].name; }
  const std::vector<std::string>& class_names() const override { return class_names_; }

 private:
  struct Entry {
    int64_t begin;  // of its pixels
    int64_t height, width, channels;
    DType type;
    int64_t label;
    std::string name;
    std::optional<uint64_t> checksum;
  };
  void read_index();

  InputFile file_;
  int channels_;
  std::vector<Entry> entries_;
  std::vector<std::string> class_names_;
};

/// Writes a pack; the file appears whole or not at all.
class PackWriter {
 public:
  PackWriter(const std::filesystem::path& path, const std::vector<std::string>& class_names);

  void add(const Image& image, int64_t label, const std::string& name);
  void commit();

 private:
  void write(const void* bytes, size_t count);

  AtomicFile file_;
  uint64_t written_ = 0, images_ = 0;
  std::string index_;
};

}  // namespace minissl
