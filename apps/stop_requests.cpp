#include "apps/stop_requests.h"

#include <atomic>
#include <csignal>
#include <thread>
#include <unistd.h>

namespace minissl {
namespace {

std::atomic<bool> requested{false};

}  // namespace

void take_stop_requests() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int received = 0;
    sigwait(&signals, &received);
    requested = true;
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // this thread no longer blocks the next signal
    for (;;) pause();
  }).detach();
}

bool stop_requested() { return requested; }

}  // namespace minissl
