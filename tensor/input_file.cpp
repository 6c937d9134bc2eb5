#include "tensor/input_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "tensor/error.h"

namespace minissl {

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  descriptor_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail("{}: can't open: {}", path_.string(), std::strerror(errno));
  struct stat status {};
  const bool regular = fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) {
    close(descriptor_);
    fail("{}: is not a regular file", path_.string());
  }
  size_ = status.st_size;
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

void InputFile::read_at(int64_t offset, void* bytes, size_t count) const {
  auto* to = static_cast<std::byte*>(bytes);
  while (count > 0) {
    const ssize_t got = pread(descriptor_, to, count, offset);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail("{}: can't read: {}", path_.string(), std::strerror(errno));
    }
    require(got > 0, "{}: ends at byte {}, {} bytes too early: the file is truncated", path_.string(), offset, count);
    to += got;
    offset += got;
    count -= static_cast<size_t>(got);
  }
}

}  // namespace minissl
