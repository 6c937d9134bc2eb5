#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace minissl {

/// A file that appears whole or not at all: bytes go to a temporary file next to it, which commit() flushes to the disk
/// and renames. Without commit() (an exception, a kill) the old file stays as it was.
///
/// The temporary file is called FILE.minissl-tmp and is locked while it is written. One that a killed process left is
/// not locked, and the next write of FILE uses it again. A symbolic link stays one: the file that it points to is
/// replaced. A folder, a device or a pipe is an Error, not replaced.
/// Every failure throws Error with the path and the system's reason, a full disk included.
class AtomicFile {
 public:
  /// What becomes of the temporary file if it is not committed. If it is `kept`, it is called FILE.minissl-part, and
  /// the next AtomicFile for FILE with `kept` appends to it.
  enum class Unfinished { removed, kept };

  explicit AtomicFile(std::filesystem::path path, Unfinished unfinished = Unfinished::removed);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, size_t count);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

  /// The temporary file, which has the bytes until they are committed.
  const std::filesystem::path& temporary() const { return temporary_; }
  /// Bytes so far: those that an unfinished file had, and those written since.
  int64_t size() const;
  /// Reads bytes [offset, offset + count) of what is there. Throws Error if it is shorter.
  void read_at(int64_t offset, void* bytes, size_t count) const;
  /// Writes over bytes that are there; what is written next follows the last byte as before.
  void overwrite(int64_t offset, std::string_view bytes);
  /// Drops all bytes from `size` on; what is written next follows there.
  void truncate(int64_t size);

  /// Removes the temporary files that killed processes left in a folder. Returns their number.
  static int remove_leftovers(const std::filesystem::path& folder);
  /// Removes all temporary files of this process, which must end without committing any: to be called before _exit().
  static void abandon_all() noexcept;

 private:
  bool open_temporary();
  void open_unfinished();
  [[noreturn]] void fail_with_errno(const char* what) const;

  const Unfinished unfinished_;
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

/// Writes a whole file at once, atomically.
void write_file(const std::filesystem::path& path, std::string_view content);
/// Reads a whole file. Throws Error with the path and the reason.
std::string read_file(const std::filesystem::path& path);

}  // namespace minissl
