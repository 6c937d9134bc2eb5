#pragma once

namespace minissl {

/// The whole command line: reads the arguments, does what they say and returns the exit status: 0 done, 1 the work
/// failed (one line on standard error), 2 wrong usage. A program of its own adds methods (ssl/registry.h) and backbones
/// (nn/backbone.h) and calls this: then every command knows them.
int run_command_line(int argc, char** argv);

}  // namespace minissl
