#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

struct archive;
struct archive_entry;

namespace minissl {

/// The members of a zip or tar, the tar perhaps compressed by gzip, xz, zstd or bzip2, in their order and once
/// (libarchive). Throws Error with the path and the reason if the file is damaged or cut short.
class ArchiveReader {
 public:
  explicit ArchiveReader(std::filesystem::path path);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  /// Goes on to the next member; false after the last.
  bool next();

  struct Member {
    std::string name;       ///< bytes as they are stored
    std::string hard_link;  ///< the earlier member that this one is another name of; empty: none
    bool is_file = false;   ///< a regular file, or another name of one
    bool is_symbolic_link = false, is_sparse = false;
    int64_t size = 0;
  };
  Member member() const;
  /// Where the header of the member begins; after the last member, where the archive's end begins. In an uncompressed
  /// tar, the one that follows a member tells where that member's bytes are.
  int64_t header_position() const;
  /// Whether the bytes of members stand in the file as they are: a tar that isn't compressed.
  bool is_plain_tar() const;
  /// The next bytes of the member, at most `count`; 0 at its end.
  size_t read(void* bytes, size_t count);

 private:
  [[noreturn]] void fail_with_reason() const;

  std::filesystem::path path_;
  std::unique_ptr<archive, int (*)(archive*)> archive_;
  archive_entry* entry_ = nullptr;
  std::string last_name_;
};

/// Whether a file is a tar or zip that has at least one member; never throws for what it isn't.
bool is_archive(const std::filesystem::path& path);

}  // namespace minissl
