#pragma once
#include <sys/resource.h>
#include <unistd.h>

namespace minissl {

/// For death tests: from now on this process may have `most` threads. The limit doesn't hold for root, so root becomes
/// a user without other processes.
inline void allow_threads(int most) {
  const rlimit limit{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
  if (setrlimit(RLIMIT_NPROC, &limit) != 0) _exit(2);
  if (getuid() == 0 && setuid(54321) != 0) _exit(2);
}

}  // namespace minissl
