#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/torture/shim/durable.h"
#include "tests/torture/shim/shim.h"

/// Replaces the C library's operations on files. C++'s streams call these as well.
namespace minissl::faults {
namespace {

constexpr size_t longest = 4096;

enum class Fault { none, error, torn, partial, zero };

void note(Record& record, uint32_t number, Operation operation, const char* path) {
  if (number > Record::most_operations) return;
  auto& entry = record.trace[number - 1];
  constexpr size_t room = sizeof entry.file - 1;
  const size_t length = std::strlen(path);
  entry.operation = static_cast<char>(operation);
  std::strncpy(entry.file, path + (length > room ? length - room : 0), room);
}

/// Counts this operation. Says what is to go wrong with it, and sets errno.
Fault next(Operation operation, const char* path) {
  Record* record = faults::record();
  if (!record || !is_below(path)) return Fault::none;
  const char* counted = setting(operations_variable);
  if (counted && !std::strchr(counted, static_cast<char>(operation))) return Fault::none;
  const uint32_t number = ++record->operations;
  note(*record, number, operation, path);
  const long at = number_setting(at_variable);
  if (at == 0 || (setting(repeat_variable) ? number < at : number != at)) return Fault::none;
  ++record->fired;
  const char* action = setting(action_variable);
  if (!action || std::strcmp(action, "kill") == 0) die();
  const bool transfer = operation == Operation::read || operation == Operation::write;
  if (std::strcmp(action, "torn") == 0) {
    if (operation == Operation::write) return Fault::torn;
    die();
  }
  if (std::strcmp(action, "short") == 0) return transfer ? Fault::partial : Fault::none;
  if (std::strcmp(action, "zero") == 0) return operation == Operation::write ? Fault::zero : Fault::none;
  errno = std::atoi(action);
  return Fault::error;
}

/// The path of an open file; empty for what is none.
struct PathOf {
  explicit PathOf(int descriptor) {
    text[0] = '\0';
    if (!faults::record()) return;
    char link[40];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const int error = errno;
    const ssize_t length = readlink(link, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    errno = error;
  }
  char text[longest];
};

ssize_t transfer(Operation operation, long call, int descriptor, const void* bytes, size_t count, off_t offset) {
  switch (next(operation, PathOf(descriptor).text)) {
    case Fault::error:
      return -1;
    case Fault::zero:
      return 0;
    case Fault::torn:
      syscall(call, descriptor, bytes, count / 2, offset);
      die();
    case Fault::partial:
      return syscall(call, descriptor, bytes, count > 1 ? count / 2 : count, offset);
    case Fault::none:
      break;
  }
  return syscall(call, descriptor, bytes, count, offset);
}

int open_file(int folder, const char* path, int flags, mode_t mode) {
  return next(Operation::open, path) == Fault::none ? static_cast<int>(syscall(SYS_openat, folder, path, flags, mode))
                                                    : -1;
}

FILE* open_stream(const char* name, const char* path, const char* mode) {
  if (next(Operation::open, path) != Fault::none) return nullptr;
  return reinterpret_cast<FILE* (*)(const char*, const char*)>(dlsym(RTLD_NEXT, name))(path, mode);
}

int synchronise(long call, int descriptor) {
  const PathOf path(descriptor);
  if (next(Operation::sync, path.text) != Fault::none) return -1;
  const auto result = static_cast<int>(syscall(call, descriptor));
  if (result == 0 && is_below(path.text)) made_durable(path.text, descriptor);
  return result;
}

int rename_file(int from_folder, const char* from, int to_folder, const char* to) {
  if (next(Operation::rename, to) != Fault::none) return -1;
  if (is_below(to)) about_to_be_forgotten(to);
  return static_cast<int>(syscall(SYS_renameat, from_folder, from, to_folder, to));
}

int remove_name(int folder, const char* path, int flags) {
  if (next(Operation::unlink, path) != Fault::none) return -1;
  if (is_below(path)) about_to_be_forgotten(path);
  return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
}

mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | O_TMPFILE) ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

bool is_below(const char* path) {
  const char* folder = record() ? setting(below_variable) : nullptr;
  if (!folder || !path) return false;
  const size_t length = std::strlen(folder);
  return std::strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

}  // namespace minissl::faults

using namespace minissl::faults;

#define MINISSL_MODE                             \
  va_list arguments;                             \
  va_start(arguments, flags);                    \
  const mode_t mode = mode_of(flags, arguments); \
  va_end(arguments)

MINISSL_REPLACES int open(const char* path, int flags, ...) {
  MINISSL_MODE;
  return open_file(AT_FDCWD, path, flags, mode);
}
MINISSL_REPLACES int open64(const char* path, int flags, ...) {
  MINISSL_MODE;
  return open_file(AT_FDCWD, path, flags, mode);
}
MINISSL_REPLACES int openat(int folder, const char* path, int flags, ...) {
  MINISSL_MODE;
  return open_file(folder, path, flags, mode);
}
MINISSL_REPLACES int openat64(int folder, const char* path, int flags, ...) {
  MINISSL_MODE;
  return open_file(folder, path, flags, mode);
}
MINISSL_REPLACES FILE* fopen(const char* path, const char* mode) { return open_stream("fopen", path, mode); }
MINISSL_REPLACES FILE* fopen64(const char* path, const char* mode) { return open_stream("fopen64", path, mode); }

MINISSL_REPLACES ssize_t read(int file, void* bytes, size_t count) {
  return transfer(Operation::read, SYS_read, file, bytes, count, 0);
}
MINISSL_REPLACES ssize_t pread(int file, void* bytes, size_t count, off_t offset) {
  return transfer(Operation::read, SYS_pread64, file, bytes, count, offset);
}
MINISSL_REPLACES ssize_t pread64(int file, void* bytes, size_t count, off64_t offset) {
  return transfer(Operation::read, SYS_pread64, file, bytes, count, offset);
}
MINISSL_REPLACES ssize_t write(int file, const void* bytes, size_t count) {
  return transfer(Operation::write, SYS_write, file, bytes, count, 0);
}
MINISSL_REPLACES ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
  return transfer(Operation::write, SYS_pwrite64, file, bytes, count, offset);
}
MINISSL_REPLACES ssize_t writev(int file, const iovec* parts, int count) {
  // Writing the first part alone is a short write, which the caller has to expect.
  ssize_t all = 0;
  for (int i = 0; i < count; ++i) {
    if (parts[i].iov_len == 0) continue;
    const ssize_t written = write(file, parts[i].iov_base, parts[i].iov_len);
    if (written < 0) return all > 0 ? all : -1;
    all += written;
    if (static_cast<size_t>(written) < parts[i].iov_len) break;
  }
  return all;
}
MINISSL_REPLACES int fsync(int file) { return synchronise(SYS_fsync, file); }
MINISSL_REPLACES int fdatasync(int file) { return synchronise(SYS_fdatasync, file); }
MINISSL_REPLACES int rename(const char* from, const char* to) { return rename_file(AT_FDCWD, from, AT_FDCWD, to); }
MINISSL_REPLACES int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  return rename_file(from_folder, from, to_folder, to);
}
MINISSL_REPLACES int unlink(const char* path) { return remove_name(AT_FDCWD, path, 0); }
MINISSL_REPLACES int unlinkat(int folder, const char* path, int flags) { return remove_name(folder, path, flags); }
MINISSL_REPLACES int rmdir(const char* path) { return remove_name(AT_FDCWD, path, AT_REMOVEDIR); }
MINISSL_REPLACES int remove(const char* path) {
  const int result = remove_name(AT_FDCWD, path, 0);
  return result != 0 && errno == EISDIR ? static_cast<int>(syscall(SYS_rmdir, path)) : result;
}
MINISSL_REPLACES int ftruncate(int file, off_t length) {
  return next(Operation::truncate, PathOf(file).text) == Fault::none
             ? static_cast<int>(syscall(SYS_ftruncate, file, length))
             : -1;
}
MINISSL_REPLACES int ftruncate64(int file, off64_t length) { return ftruncate(file, length); }
MINISSL_REPLACES int truncate(const char* path, off_t length) {
  return next(Operation::truncate, path) == Fault::none ? static_cast<int>(syscall(SYS_truncate, path, length)) : -1;
}
MINISSL_REPLACES int truncate64(const char* path, off64_t length) { return truncate(path, length); }
MINISSL_REPLACES int mkdir(const char* path, mode_t mode) {
  return next(Operation::mkdir, path) == Fault::none ? static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode))
                                                     : -1;
}
MINISSL_REPLACES int close(int file) {
  // A close that fails has closed the file all the same.
  const Fault fault = next(Operation::close, PathOf(file).text);
  const int error = errno;
  const auto result = static_cast<int>(syscall(SYS_close, file));
  if (fault == Fault::none) return result;
  errno = error;
  return -1;
}

MINISSL_REPLACES void* mmap(void* address, size_t bytes, int protection, int flags, int file, off_t offset) {
  if (flags & MAP_ANONYMOUS) {
    if (allocation_fails()) {
      errno = ENOMEM;
      return MAP_FAILED;
    }
  } else if (next(Operation::map, PathOf(file).text) != Fault::none) {
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}
MINISSL_REPLACES void* mmap64(void* address, size_t bytes, int protection, int flags, int file, off64_t offset) {
  return mmap(address, bytes, protection, flags, file, offset);
}
