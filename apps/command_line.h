#pragma once

namespace minissl {

/// The whole command line: parses the arguments, runs the command and returns the exit status: 0 success, 1 failure
/// (one line on standard error), 2 wrong usage. Another program can add methods (ssl/registry.h) and backbones
/// (nn/backbone.h) and call this; all commands then support them.
int run_command_line(int argc, char** argv);

}  // namespace minissl
