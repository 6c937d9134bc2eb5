#include "apps/stop_requests.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <unistd.h>

#include "apps/standard_streams.h"
#include "tensor/atomic_file.h"
#include "tensor/threads.h"

namespace minissl {
namespace {

std::atomic<int> requested{0}, scopes{0};

std::string name_of(int signal) { return fmt::format("SIG{}", sigabbrev_np(signal)); }

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

[[noreturn]] void end_at_once(int signal) {
  AtomicFile::abandon_all();
  say(fmt::format("minissl: stopped by {}", name_of(signal)));
  _exit(128 + signal);
}

[[noreturn]] void wait_for_signals(const sigset_t& signals) {
  for (;;) {
    int received = 0;
    if (sigwait(&signals, &received) != 0) continue;
    const bool again = requested.exchange(received) != 0;
    if (scopes == 0 || (again && received == SIGINT)) end_at_once(received);
  }
}

}  // namespace

void take_stop_requests() {
  static std::atomic<bool> taken{false};
  if (taken.exchange(true)) return;
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU})
    if (!is_ignored(signal)) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  start_thread("to wait for signals", [signals] { wait_for_signals(signals); }).detach();
}

StopScope::StopScope() { ++scopes; }
StopScope::~StopScope() { --scopes; }

int stop_requested() { return requested; }

void stop_if_requested() {
  if (const int signal = stop_requested()) throw Stopped(signal, "stopped by " + name_of(signal));
}

}  // namespace minissl
