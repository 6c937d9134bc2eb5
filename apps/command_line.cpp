#include "apps/command_line.h"

#include <CLI/CLI.hpp>
#include <cstring>
#include <execinfo.h>
#include <new>
#include <tuple>
#include <unistd.h>

#include "apps/command.h"
#include "apps/network_flags.h"
#include "apps/standard_streams.h"
#include "apps/stop_requests.h"
#include "tensor/error.h"
#include "tensor/write_fully.h"

namespace minissl {
namespace {

constexpr int work_failed = 1, wrong_usage = 2;

int parse_and_run(int argc, char** argv) {
  CLI::App app("Pretrains image encoders without labels, and shows how it does it.", "minissl");
  app.set_version_flag("--version", "minissl " MINISSL_VERSION);
  app.failure_message(
      [](const CLI::App*, const CLI::Error& error) { return fmt::format("minissl: {} (see --help)\n", error.what()); });
  try {
    std::vector<std::string> arguments = expand_config({argv + 1, argv + argc});
    NetworkFlags::choose_default_arch(arguments);
    add_commands(app);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 expects them reversed
    app.parse(arguments);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : wrong_usage;
  }
  return 0;
}

/// The C library loads a library when an exception first passes through one of its functions (std::call_once). Without
/// memory it would then end the program.
void load_what_unwinding_needs() {
  void* frame = nullptr;
  std::ignore = backtrace(&frame, 1);
}

// Also said where there is no memory for a message.
constexpr const char* no_memory =
    "out of memory: the system gives no more; use a smaller batch or model, or free memory";

int run_and_report(int argc, char** argv) {
  int status = work_failed;
  std::string failure;
  try {
    take_stop_requests();
    status = parse_and_run(argc, argv);
  } catch (const Stopped& e) {
    status = 128 + e.signal();
    failure = with_flags(e.what());
  } catch (const std::bad_alloc&) {
    failure = no_memory;
  } catch (const std::exception& e) {
    failure = with_flags(e.what());
  }
  if (const auto lost = lost_results()) {
    if (status == 0) status = work_failed;
    failure = failure.empty() ? *lost : *lost + "; " + failure;
  }
  if (!failure.empty()) say("minissl: " + failure);
  return status;
}

}  // namespace

void add_commands(CLI::App& app) {
  app.require_subcommand(1);
  add_train(app);
  add_eval(app);
  add_embed(app);
  add_monitor(app);
  add_report(app);
  add_inspect(app);
  add_bench(app);
  add_data(app);
  add_devices(app);
}

int run_command_line(int argc, char** argv) {
  prepare_standard_streams();
  load_what_unwinding_needs();
  try {
    return run_and_report(argc, argv);
  } catch (...) {
    for (const char* part : {"minissl: ", no_memory, "\n"})
      std::ignore = write_fully(STDERR_FILENO, part, std::strlen(part));
    return work_failed;
  }
}

}  // namespace minissl
