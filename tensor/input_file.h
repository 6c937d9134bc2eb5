#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace minissl {

/// A regular file with reads at given offsets. Throws Error with the path and the reason for anything else (a folder, a
/// pipe, a device) and for every system error.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// In bytes, at the time the file was opened.
  int64_t size() const { return size_; }
  /// Reads bytes [offset, offset + count). Throws Error if the file is shorter. Safe from several threads.
  void read_at(int64_t offset, void* bytes, size_t count) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace minissl
