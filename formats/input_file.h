#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace minissl {

/// A regular file, read at positions. Opening anything else (a folder, a pipe, a device) throws Error, as does every
/// failure of the system, with the path and the reason.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// In bytes, as it was when the file was opened.
  int64_t size() const { return size_; }
  /// Reads bytes [offset, offset + count). Throws Error when the file is shorter. Safe from several threads.
  void read_at(int64_t offset, void* bytes, size_t count) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace minissl
