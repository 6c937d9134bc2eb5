#include "apps/standard_streams.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iostream>
#include <tuple>
#include <unistd.h>

#include "tensor/write_fully.h"

namespace minissl {

void prepare_standard_streams() {
  // open() returns the lowest free number. Writing to what is open for reading fails, so that results for a closed
  // standard output are not lost in silence.
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(descriptor, F_GETFD) < 0) std::ignore = open("/dev/null", O_RDONLY);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

std::optional<std::string> lost_results() {
  errno = 0;
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good()) return std::nullopt;
  return fmt::format("standard output: can't write the results{}{}", errno ? ": " : "",
                     errno ? std::strerror(errno) : "");
}

void say(std::string_view line) {
  const std::string text = std::string(line) + '\n';
  std::ignore = write_fully(STDERR_FILENO, text.data(), text.size());
}

}  // namespace minissl
