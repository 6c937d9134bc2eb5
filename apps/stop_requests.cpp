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
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // the next one finds a thread that doesn't block it
    for (;;) pause();
  }).detach();
}

bool stop_requested() { return requested; }

}  // namespace minissl
