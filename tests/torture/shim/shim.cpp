#include "tests/torture/shim/shim.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace minissl::faults {
namespace {

Record* active = nullptr;

// By system calls: open() and mmap() are replaced by this library.
Record* map_record(const char* path) {
  const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  const long memory = syscall(SYS_mmap, nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  syscall(SYS_close, file);
  return memory == -1 ? nullptr : reinterpret_cast<Record*>(memory);
}

using Main = int (*)(int, char**, char**);
Main program = nullptr;

int armed_main(int argc, char** argv, char** environment) {
  if (const char* path = setting(record_variable)) {
    active = map_record(path);
    // A rig that quietly injects nothing would report that everything survived.
    if (!active) die();
  }
  const int status = program(argc, argv, environment);
  active = nullptr;
  return status;
}

}  // namespace

Record* record() { return active; }

const char* setting(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

long number_setting(const char* name) {
  const char* value = setting(name);
  return value ? std::strtol(value, nullptr, 10) : 0;
}

void die() {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) syscall(SYS_pause);
}

}  // namespace minissl::faults

MINISSL_REPLACES int __libc_start_main(minissl::faults::Main main, int argc, char** argv, void (*init)(),
                                       void (*fini)(), void (*loader_fini)(), void* stack_end) {
  using Start = int (*)(minissl::faults::Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  const auto start = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "__libc_start_main"));
  minissl::faults::program = main;
  return start(minissl::faults::armed_main, argc, argv, init, fini, loader_fini, stack_end);
}
