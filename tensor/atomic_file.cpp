#include "tensor/atomic_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tensor/error.h"
#include "tensor/write_fully.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_suffix = ".minissl-tmp";

// The temporary files of this process.
std::mutex temporaries_mutex;
std::set<fs::path>& temporaries() {
  static std::set<fs::path> paths;
  return paths;
}

const char* name_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory:
      return "a folder";
    case fs::file_type::fifo:
      return "a pipe";
    case fs::file_type::socket:
      return "a socket";
    default:
      return "a device";
  }
}

// The file that a path names after its symbolic links. Throws Error if it isn't a regular file or a new one.
fs::path target_of(const fs::path& path) {
  std::error_code error;
  fs::path target = path;
  for (int links = 0; fs::is_symlink(fs::symlink_status(target, error)); ++links) {
    require(links < 40, "{}: can't write: too many symbolic links", path.string());
    target = target.parent_path() / fs::read_symlink(target, error);  // an absolute path replaces the folder
  }
  const fs::file_type type = fs::status(target, error).type();
  const bool writable =
      type == fs::file_type::regular || type == fs::file_type::not_found || type == fs::file_type::none;
  require(writable, "{}: can't write: it is {}; name a file", path.string(), writable ? "" : name_of(type));
  return target;
}

// Whether the path still names the open file: another process may have renamed it before we had its lock.
bool names(const fs::path& path, int descriptor) {
  struct stat opened {
  }, named{};
  return fstat(descriptor, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

// File systems without locks have no other writers that could be seen.
bool lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; }

bool sync_folder_of(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return errno == EACCES;  // a folder that may be written but not read
  const bool synced = fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS;  // not every file system can
  const int error = errno;
  close(descriptor);
  errno = error;
  return synced;
}

}  // namespace

AtomicFile::AtomicFile(fs::path path, Unfinished unfinished) : unfinished_(unfinished), path_(target_of(path)) {
  if (unfinished == Unfinished::kept) {
    open_unfinished();
    return;
  }
  // Another process may be writing the same file: then the name with the next number.
  for (int number = 1; descriptor_ < 0; ++number) {
    temporary_ = path_;
    temporary_ += fmt::format("{}{}", temporary_suffix, number == 1 ? "" : std::to_string(number));
    require(number < 100, "{}: can't write: many processes are writing it", path_.string());
    if (!open_temporary()) continue;
    const std::lock_guard lock(temporaries_mutex);
    temporaries().insert(temporary_);
  }
}

// Opens and locks the temporary file; false if another process has it.
bool AtomicFile::open_temporary() {
  const int descriptor = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (descriptor < 0) fail_with_errno("can't create");
  if (!lock(descriptor) || !names(temporary_, descriptor)) {
    close(descriptor);
    return false;
  }
  if (ftruncate(descriptor, 0) != 0) {
    close(descriptor);
    fail_with_errno("can't create");
  }
  descriptor_ = descriptor;
  return true;
}

void AtomicFile::open_unfinished() {
  temporary_ = path_;
  temporary_ += ".minissl-part";
  const int descriptor = open(temporary_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (descriptor < 0) fail_with_errno("can't create");
  if (!lock(descriptor) || !names(temporary_, descriptor)) {
    close(descriptor);
    fail("{}: can't write: another process is writing it", path_.string());
  }
  descriptor_ = descriptor;
  lseek(descriptor, 0, SEEK_END);
}

int64_t AtomicFile::size() const {
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) fail_with_errno("can't read");
  return status.st_size;
}

void AtomicFile::read_at(int64_t offset, void* bytes, size_t count) const {
  auto* to = static_cast<std::byte*>(bytes);
  while (count > 0) {
    const ssize_t got = pread(descriptor_, to, count, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_with_errno("can't read");
    require(got > 0, "{}: it ends too soon", temporary_.string());
    to += got, offset += got, count -= static_cast<size_t>(got);
  }
}

void AtomicFile::overwrite(int64_t offset, std::string_view bytes) {
  if (lseek(descriptor_, offset, SEEK_SET) < 0 || !write_fully(descriptor_, bytes.data(), bytes.size()) ||
      lseek(descriptor_, 0, SEEK_END) < 0)
    fail_with_errno("can't write");
}

void AtomicFile::truncate(int64_t size) {
  if (ftruncate(descriptor_, size) != 0 || lseek(descriptor_, size, SEEK_SET) < 0) fail_with_errno("can't write");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  if (unfinished_ == Unfinished::kept) {
    close(descriptor_);
    return;
  }
  const std::lock_guard lock(temporaries_mutex);
  temporaries().erase(temporary_);
  unlink(temporary_.c_str());
  close(descriptor_);
}

void AtomicFile::write(const void* bytes, size_t count) {
  if (!write_fully(descriptor_, bytes, count)) fail_with_errno("can't write");
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail_with_errno("can't write");
  {
    const std::lock_guard lock(temporaries_mutex);
    if (rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_errno("can't write");
    temporaries().erase(temporary_);
  }
  // The lock lasts until here, so that nobody takes the file for a leftover while it is renamed.
  const bool closed = close(std::exchange(descriptor_, -1)) == 0;
  if (!closed || !sync_folder_of(path_))
    fail("{}: written, but can't be flushed: {}", path_.string(), std::strerror(errno));
}

int AtomicFile::remove_leftovers(const fs::path& folder) {
  int removed = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string extension = entry.path().extension().string();
    if (!extension.starts_with(temporary_suffix)) continue;
    const int descriptor = open(entry.path().c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) continue;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && unlink(entry.path().c_str()) == 0) ++removed;
    close(descriptor);
  }
  return removed;
}

void AtomicFile::abandon_all() noexcept {
  temporaries_mutex.lock();  // for ever, so that no other thread commits
  for (const fs::path& path : temporaries()) unlink(path.c_str());
}

void AtomicFile::fail_with_errno(const char* what) const {
  fail("{}: {}: {}; the previous file, if any, is untouched", path_.string(), what, std::strerror(errno));
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

std::string read_file(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  if (!in || !(content << in.rdbuf() || in.peek() == EOF))
    fail("{}: can't read: {}", path.string(), errno ? std::strerror(errno) : "not a readable file");
  return std::move(content).str();
}

}  // namespace minissl
