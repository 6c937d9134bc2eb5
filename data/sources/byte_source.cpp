#include "data/sources/byte_source.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "tensor/error.h"
#include "tensor/input_file.h"
#include "tensor/memory.h"
#include "tensor/write_fully.h"

namespace minissl {
namespace {

class FileBytes final : public ByteSource {
 public:
  explicit FileBytes(const std::filesystem::path& path) : file_(path) {}
  int64_t size() const override { return file_.size(); }
  void read_at(int64_t offset, void* bytes, size_t count) const override { file_.read_at(offset, bytes, count); }

 private:
  InputFile file_;
};

std::filesystem::path temporary_folder() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
}

/// A file without a name; -1 with errno set if there can be none.
int open_unnamed(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  // Network file systems have no O_TMPFILE, and say so in several ways.
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return descriptor;
  std::string name = (folder / "minissl-XXXXXX").string();
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

}  // namespace

std::shared_ptr<const ByteSource> file_bytes(const std::filesystem::path& path) {
  return std::make_shared<FileBytes>(path);
}

int64_t UnpackedFile::most_bytes(int64_t compressed_bytes) {
  constexpr int64_t always = int64_t{1} << 30, times = 200;
  return always + times * std::min(compressed_bytes, (INT64_MAX - always) / times);
}

UnpackedFile::UnpackedFile(std::filesystem::path from) : from_(std::move(from)), folder_(temporary_folder()) {
  most_ = most_bytes(InputFile(from_).size());
  descriptor_ = open_unnamed(folder_);
  require(descriptor_ >= 0, "{}: can't make a temporary file in {} to unpack it: {}; set TMPDIR to another folder",
          from_.string(), folder_.string(), std::strerror(errno));
}

UnpackedFile::~UnpackedFile() { close(descriptor_); }

void UnpackedFile::append(const void* bytes, size_t count) {
  require(count <= static_cast<size_t>(most_ - size_),
          "{}: unpacks to more than {}, 200 times its size: it is damaged or a decompression bomb; unpack it yourself "
          "if it is neither",
          from_.string(), format_bytes(most_));
  if (!write_fully(descriptor_, bytes, count))
    fail(
        "{}: can't unpack it into a temporary file in {}, after {}: {}; free some space there, or set TMPDIR to "
        "another "
        "folder",
        from_.string(), folder_.string(), format_bytes(size_), std::strerror(errno));
  size_ += static_cast<int64_t>(count);
}

void UnpackedFile::read_at(int64_t offset, void* bytes, size_t count) const {
  auto* to = static_cast<std::byte*>(bytes);
  while (count > 0) {
    const ssize_t got = pread(descriptor_, to, count, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("{}: can't read what was unpacked from it: {}", from_.string(), std::strerror(errno));
    require(got > 0, "{}: what was unpacked from it ends at byte {}, {} bytes too early", from_.string(), offset,
            count);
    to += got;
    offset += got;
    count -= static_cast<size_t>(got);
  }
}

std::string UnpackedFile::remark() const {
  return fmt::format("{}: {} unpacked into a temporary file in {}", from_.string(), format_bytes(size_),
                     folder_.string());
}

}  // namespace minissl
