#pragma once
#include <filesystem>

#include "data/dataset.h"
#include "tensor/atomic_file.h"

/// Data sets in one file, decoded once: the pixels of all images, then an index. Reading an image requires no decoding
/// and no opening of files, and processes that read the same pack share its memory.
///
/// All numbers are little-endian. The file: 16 bytes of magic; the pixels of each image, (H, W, C) u8 or f32, at a
/// multiple of 64; the index; 32 bytes of footer: offset of the index, its length, the number of images (u64 each), and
/// "minissl\n". The index: the number of classes (u32) and their names; then for each image the offset of its pixels
/// (u64), height and width (u32), channels and type (u8: 0 u8, 1 f32), label (i32, -1: none), name. A string is stored
/// as its length (u32) and bytes.
namespace minissl {

/// Whether a file begins with a pack's magic.
bool is_pack(const std::filesystem::path& path);

/// A pack, memory-mapped.
class PackFile final : public Dataset {
 public:
  /// Throws Error if the file can't be read, is truncated, or contradicts itself.
  PackFile(const std::filesystem::path& path, int channels);
  ~PackFile() override;

  int64_t size() const override { return static_cast<int64_t>(entries_.size()); }
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override { return entries_[static_cast<size_t>(i)].label; }
  std::string name(int64_t i) const override { return entries_[static_cast<size_t>(i)].name; }
  const std::vector<std::string>& class_names() const override { return class_names_; }

 private:
  struct Entry {
    const std::byte* pixels;
    int64_t height, width, channels;
    DType type;
    int64_t label;
    std::string name;
  };
  void read_index();

  std::filesystem::path path_;
  int channels_;
  const std::byte* begin_ = nullptr;
  size_t bytes_ = 0;
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
