#include "tensor/threads.h"

#include <system_error>
#include <utility>

#include "tensor/error.h"

namespace minissl {

std::thread start_thread(const std::string& purpose, std::function<void()> f) {
  try {
    return std::thread(std::move(f));
  } catch (const std::system_error& e) {
    fail(
        "can't start a thread {}: {}; use fewer threads, or raise the limits of this process (ulimit -u, ulimit -v, "
        "pids.max of its control group)",
        purpose, e.code().message());
  }
}

}  // namespace minissl
