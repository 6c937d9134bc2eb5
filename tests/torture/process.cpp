#include "tests/torture/process.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tensor/atomic_file.h"
#include "tensor/error.h"

extern char** environ;

namespace minissl::torture {
namespace {

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> result;
  for (char** variable = environ; *variable; ++variable) {
    const std::string entry = *variable;
    if (!command.environment.contains(entry.substr(0, entry.find('=')))) result.push_back(entry);
  }
  for (const auto& [name, value] : command.environment) result.push_back(name + "=" + value);
  return result;
}

// Between fork and exec, so only system calls.
void redirect(int descriptor, const std::string& path) {
  if (path == "closed") {
    close(descriptor);
    return;
  }
  if (path == "broken") {
    int ends[2];
    if (pipe(ends) != 0) _exit(126);
    close(ends[0]);
    dup2(ends[1], descriptor);
    close(ends[1]);
    return;
  }
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) _exit(126);
  dup2(file, descriptor);
  close(file);
}

void limit(int resource, rlim_t value) {
  const rlimit both{value, value};
  setrlimit(static_cast<__rlimit_resource>(resource), &both);
}

// A child must not inherit what another thread opens between two of its calls.
std::atomic<int> next_number{0};

double patience_factor = 1;

}  // namespace

std::string Outcome::describe() const {
  std::string text = hung     ? "hung"
                     : signal ? fmt::format("signal {}", strsignal(signal))
                              : fmt::format("status {}", status);
  const std::string shown = err.size() > 600 ? "... " + err.substr(err.size() - 600) : err;
  return text + ": " + shown;
}

Child::Child(const Command& command, const std::filesystem::path& scratch)
    : command_(command), scratch_(scratch / fmt::format("output-{}", next_number++)), begun_(now()) {
  std::filesystem::create_directories(scratch);
  std::vector<std::string> arguments = command_.arguments, environment = environment_of(command_);
  const std::string program = command_.program.empty() ? MINISSL_BINARY : command_.program;
  arguments.insert(arguments.begin(), program);
  const auto argv = pointers(arguments), envp = pointers(environment);
  const std::string out = out_file(), err = err_file();
  process_ = fork();
  require(process_ >= 0, "can't start a process: {}", std::strerror(errno));
  if (process_ > 0) return;
  redirect(STDIN_FILENO, "closed");
  std::ignore = open("/dev/null", O_RDONLY);
  redirect(STDOUT_FILENO, out);
  redirect(STDERR_FILENO, err);
  limit(RLIMIT_CORE, 0);
  if (command_.memory > 0) limit(RLIMIT_AS, static_cast<rlim_t>(command_.memory));
  if (command_.fixed_addresses) personality(ADDR_NO_RANDOMIZE);
  if (!command_.folder.empty() && chdir(command_.folder.c_str()) != 0) _exit(126);
  execve(program.c_str(), argv.data(), envp.data());
  _exit(127);
}

Child::~Child() {
  if (running()) send(SIGKILL);
  wait();
}

void Child::send(int signal) const { kill(process_, signal); }

bool Child::running() {
  if (!ended_) ended_ = waitpid(process_, &wait_status_, WNOHANG) == process_;
  return !ended_;
}

Outcome Child::wait() {
  Outcome outcome;
  while (running()) {
    if (now() - begun_ > patience() * command_.seconds && !outcome.hung) {
      outcome.hung = true;
      send(SIGKILL);
    }
    sleep_for(0.002);
  }
  outcome.seconds = now() - begun_;
  if (WIFEXITED(wait_status_)) outcome.status = WEXITSTATUS(wait_status_);
  if (WIFSIGNALED(wait_status_)) outcome.signal = WTERMSIG(wait_status_);
  const auto take = [](const std::string& given, const std::string& file) {
    if (!given.empty() || !std::filesystem::exists(file)) return std::string();
    const std::string text = read_file(file);
    std::filesystem::remove(file);
    return text;
  };
  outcome.out = take(command_.out, out_file());
  outcome.err = take(command_.err, err_file());
  return outcome;
}

std::string Child::out_file() const { return command_.out.empty() ? scratch_.string() + ".out" : command_.out; }
std::string Child::err_file() const { return command_.err.empty() ? scratch_.string() + ".err" : command_.err; }

Outcome run(const Command& command, const std::filesystem::path& scratch) { return Child(command, scratch).wait(); }

double patience() { return patience_factor; }
void set_patience(double factor) { patience_factor = factor; }

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
void sleep_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

}  // namespace minissl::torture
