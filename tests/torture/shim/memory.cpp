#include <cerrno>
#include <csignal>
#include <cstdint>
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "tests/torture/shim/shim.h"

/// Replaces everything that takes memory from the C library or the system. `operator new` calls malloc() and
/// aligned_alloc(). A thread is memory as well: pthread_create() fails as an allocation does.
namespace minissl::faults {
namespace {

// The stack is unwound within an allocation, and unwinding may allocate.
__attribute__((tls_model("initial-exec"))) thread_local bool busy = false;

struct Walk {
  uint64_t hash = 14695981039346656037ULL;
  int frames = 0;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* data) {
  auto* walk = static_cast<Walk*>(data);
  // Our own three frames are the same for all, and frames far out tell little.
  constexpr int first = 3, last = 9;
  if (++walk->frames > first) walk->hash = (walk->hash ^ _Unwind_GetIP(context)) * 1099511628211ULL;
  return walk->frames < last ? _URC_NO_REASON : _URC_END_OF_STACK;
}

uint64_t hash_of_stack() {
  Walk walk;
  _Unwind_Backtrace(add_frame, &walk);
  return walk.hash;
}

void list(Record& record, uint64_t path) {
  for (uint32_t i = 0; i < Record::most_paths; ++i) {
    auto& slot = record.paths[(path + i) % Record::most_paths];
    uint64_t found = slot.load();
    if (found == 0 && slot.compare_exchange_strong(found, path)) return;
    if (found == path) return;
  }
}

void show_stack() {
  void* frames[40];
  const int count = backtrace(frames, 40);
  backtrace_symbols_fd(frames, count, 2);
}

void show_crash(int) {
  show_stack();
  die();
}

struct Settings {
  uint64_t allocation, path;
  bool exhausted, list_paths, trace;
};

const Settings& settings() {
  static Settings read;
  static std::atomic<bool> done{false};
  if (!done) {
    const char* path = setting(path_variable);
    read = {static_cast<uint64_t>(number_setting(allocation_variable)), path ? std::strtoull(path, nullptr, 10) : 0,
            setting(exhausted_variable) != nullptr, setting(list_paths_variable) != nullptr,
            setting(trace_variable) != nullptr};
    if (read.trace) {
      std::signal(SIGABRT, show_crash);
      std::signal(SIGSEGV, show_crash);
    }
    done = true;
  }
  return read;
}

}  // namespace

bool allocation_fails() {
  Record* record = faults::record();
  if (!record || busy) return false;
  const Settings& wanted = settings();
  if (!wanted.allocation && !wanted.path && !wanted.list_paths) return false;
  const uint64_t number = ++record->allocations;
  if (record->fired > 0) return wanted.exhausted;
  busy = true;
  bool fails = number == wanted.allocation;
  if (wanted.path || wanted.list_paths) {
    const uint64_t hash = hash_of_stack();
    if (wanted.list_paths) list(*record, hash);
    fails = fails || hash == wanted.path;
  }
  if (fails) fails = record->fired++ == 0 || wanted.exhausted;
  if (fails && wanted.trace) show_stack();
  busy = false;
  return fails;
}

}  // namespace minissl::faults

using minissl::faults::allocation_fails;

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

void* no_memory() {
  errno = ENOMEM;
  return nullptr;
}

}  // namespace

MINISSL_REPLACES void* malloc(size_t bytes) { return allocation_fails() ? no_memory() : __libc_malloc(bytes); }

MINISSL_REPLACES void* calloc(size_t count, size_t bytes) {
  return allocation_fails() ? no_memory() : __libc_calloc(count, bytes);
}

MINISSL_REPLACES void* realloc(void* block, size_t bytes) {
  return bytes > 0 && allocation_fails() ? no_memory() : __libc_realloc(block, bytes);
}

MINISSL_REPLACES void* memalign(size_t alignment, size_t bytes) {
  return allocation_fails() ? no_memory() : __libc_memalign(alignment, bytes);
}

MINISSL_REPLACES void* aligned_alloc(size_t alignment, size_t bytes) {
  return allocation_fails() ? no_memory() : __libc_memalign(alignment, bytes);
}

MINISSL_REPLACES int posix_memalign(void** block, size_t alignment, size_t bytes) {
  void* memory = allocation_fails() ? nullptr : __libc_memalign(alignment, bytes);
  if (!memory) return ENOMEM;
  *block = memory;
  return 0;
}

MINISSL_REPLACES int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                                    void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return allocation_fails() ? EAGAIN : create(thread, attributes, run, argument);
}
