#pragma once
#include <cstddef>
#include <filesystem>
#include <string_view>

namespace minissl {

/// A file that appears whole or not at all: bytes go to a temporary file next to it, which commit() flushes to the disk
/// and renames. Without commit() (an exception, a kill) the old file stays as it was.
/// Every failure throws Error with the path and the system's reason, a full disk included.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, size_t count);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

 private:
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

/// Writes a whole file at once, atomically.
void write_file(const std::filesystem::path& path, std::string_view content);
/// Reads a whole file. Throws Error with the path and the reason.
std::string read_file(const std::filesystem::path& path);

}  // namespace minissl
