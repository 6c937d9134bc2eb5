#pragma once
#include <cstdio>
#include <filesystem>
#include <string>
#include <sys/wait.h>

#include "tensor/atomic_file.h"
#include "tests/apps/temporary_folder.h"

namespace minissl {

/// The outcome of a command.
struct CommandResult {
  int status = -1;  ///< exit status; 128 + signal
  std::string out, err;
};

/// Runs the binary in a shell, after the shell commands in `before`, with standard error kept separate.
inline CommandResult minissl_command(const std::string& arguments, const std::filesystem::path& scratch,
                                     const std::string& before = {}) {
  const auto err = scratch / "stderr.txt";
  const std::string line = before + MINISSL_BINARY + " " + arguments + " 2>" + err.string();
  CommandResult result;
  FILE* pipe = popen(line.c_str(), "r");
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) result.out.append(buffer, n);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.err = read_file(err);
  return result;
}

}  // namespace minissl
