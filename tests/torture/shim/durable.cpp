#include "tests/torture/shim/durable.h"

#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/torture/shim/shim.h"

namespace minissl::faults {
namespace {

constexpr size_t longest = 4096;

/// Copies by system calls: the C library's functions are ours.
void copy(const char* from, const char* to) {
  const long in = syscall(SYS_openat, AT_FDCWD, from, O_RDONLY | O_CLOEXEC);
  const long out = syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  static char buffer[1 << 16];
  if (in >= 0 && out >= 0)
    for (long n = 0; (n = syscall(SYS_read, in, buffer, sizeof buffer)) > 0;) syscall(SYS_write, out, buffer, n);
  if (in >= 0) syscall(SYS_close, in);
  if (out >= 0) syscall(SYS_close, out);
}

/// Where the last synced content of the file is kept.
bool content_path(const char* path, char* result) {
  struct stat about {};
  if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode)) return false;
  std::snprintf(result, longest, "%s/content-%lu", setting(durable_variable), static_cast<unsigned long>(about.st_ino));
  return true;
}

void copied_path(const char* path, char* result) {
  std::snprintf(result, longest, "%s/disk%s", setting(durable_variable), path + std::strlen(setting(below_variable)));
}

template <class F>
void each_entry(const char* folder, F visit) {
  DIR* entries = opendir(folder);
  if (!entries) return;
  while (const dirent* entry = readdir(entries)) {
    if (entry->d_name[0] == '.') continue;
    char path[longest];
    std::snprintf(path, longest, "%s/%s", folder, entry->d_name);
    visit(path);
  }
  closedir(entries);
}

void folder_made_durable(const char* folder) {
  char copied[longest];
  copied_path(folder, copied);
  each_entry(copied, [](const char* path) { syscall(SYS_unlinkat, AT_FDCWD, path, 0); });
  each_entry(folder, [](const char* path) {
    char content[longest], to[longest];
    if (!content_path(path, content)) return;
    copied_path(path, to);
    copy(content, to);
  });
}

}  // namespace

void made_durable(const char* path, int descriptor) {
  if (!setting(durable_variable)) return;
  struct stat about {};
  if (fstat(descriptor, &about) != 0) return;
  if (S_ISDIR(about.st_mode)) return folder_made_durable(path);
  char content[longest], copied[longest];
  if (!content_path(path, content)) return;
  copied_path(path, copied);
  copy(path, content);
  copy(path, copied);
}

void about_to_be_forgotten(const char* path) {
  char content[longest];
  if (setting(durable_variable) && content_path(path, content)) syscall(SYS_unlinkat, AT_FDCWD, content, 0);
}

}  // namespace minissl::faults
