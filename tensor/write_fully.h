#pragma once
#include <cerrno>
#include <cstddef>
#include <unistd.h>

namespace minissl {

/// Writes all bytes to a file descriptor, in as many calls as the system needs. Returns false, with errno set, if one
/// of them fails; a call that takes no bytes is a failure (EIO), because repeating it might never end.
inline bool write_fully(int descriptor, const void* bytes, size_t count) {
  const auto* at = static_cast<const std::byte*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor, at, count);
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = EIO;
    if (written <= 0) return false;
    at += written;
    count -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace minissl
