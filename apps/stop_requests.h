#pragma once
#include "tensor/error.h"

/// What users and schedulers send to end a command: SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU. A command that one of
/// them ends has the exit status 128 + the signal's number.
namespace minissl {

/// From this call on a signal ends the process at once, with one line on standard error and without temporary files;
/// while a StopScope lives, it is a request instead. Signals that the caller has set to be ignored (nohup) stay
/// ignored. Call it before the process starts other threads, which inherit the blocked signals. Throws Error if
/// there is no thread to be had.
///
/// A thread waits for the signals instead of a signal handler, which may do next to nothing: no memory, no streams.
void take_stop_requests();

/// While it lives, signals request a stop, which the process carries out when it can. A second SIGINT, from somebody at
/// a keyboard, ends the process at once.
class StopScope {
 public:
  StopScope();
  ~StopScope();
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;
};

/// The signal that has requested a stop; 0: none.
int stop_requested();

/// The work was stopped by a signal.
class Stopped : public Error {
 public:
  Stopped(int signal, const std::string& message) : Error(message), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

/// Throws Stopped if a stop was requested. Long work between steps calls it every second or so.
void stop_if_requested();

}  // namespace minissl
