#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace minissl {

/// Bytes that can be read from any offset, by several threads at once.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual int64_t size() const = 0;
  /// Throws Error if there are fewer bytes, or if the system can't read them.
  virtual void read_at(int64_t offset, void* bytes, size_t count) const = 0;
};

/// A regular file (tensor/input_file.h).
std::shared_ptr<const ByteSource> file_bytes(const std::filesystem::path& path);

/// What has been unpacked from a compressed file, in a file without a name in $TMPDIR (or /tmp): memory stays small,
/// and the system frees the file whatever happens to the process.
class UnpackedFile final : public ByteSource {
 public:
  /// The most that is unpacked from a file: 1 GiB and 200 times its size. Images hardly compress, and arrays of them by
  /// far less; more is a decompression bomb or damage.
  static int64_t most_bytes(int64_t compressed_bytes);

  /// `from` is the compressed file. Throws Error if there is no place for a temporary file.
  explicit UnpackedFile(std::filesystem::path from);
  ~UnpackedFile() override;
  UnpackedFile(const UnpackedFile&) = delete;
  UnpackedFile& operator=(const UnpackedFile&) = delete;

  /// Throws Error, with what to do, for a full disk and beyond most_bytes.
  void append(const void* bytes, size_t count);
  int64_t size() const override { return size_; }
  void read_at(int64_t offset, void* bytes, size_t count) const override;
  /// "3.2 GiB unpacked from a.tar.xz into a temporary file in /tmp"
  std::string remark() const;

 private:
  std::filesystem::path from_, folder_;
  int64_t most_ = 0, size_ = 0;
  int descriptor_ = -1;
};

}  // namespace minissl
