#include "tensor/threads.h"

#include <atomic>
#include <system_error>
#include <utility>
#include <vector>

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

int startable_threads(int wanted) {
  std::atomic<bool> counted{false};
  std::vector<std::thread> threads;
  const auto end_all = [&] {
    counted = true;
    counted.notify_all();
    for (std::thread& thread : threads) thread.join();
  };
  threads.reserve(static_cast<size_t>(wanted));
  try {
    while (static_cast<int>(threads.size()) < wanted) threads.emplace_back([&counted] { counted.wait(false); });
  } catch (const std::system_error&) {  // this was the last one
  } catch (...) {
    end_all();
    throw;
  }
  end_all();
  return static_cast<int>(threads.size());
}

}  // namespace minissl
