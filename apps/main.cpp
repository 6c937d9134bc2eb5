#include <CLI/CLI.hpp>

#include "apps/command.h"
#include "tensor/error.h"

namespace {

constexpr int work_failed = 1, wrong_usage = 2;

int run(int argc, char** argv) {
  CLI::App app("Pretrains image encoders without labels, and shows how it does it.", "minissl");
  app.set_version_flag("--version", "minissl " MINISSL_VERSION);
  app.require_subcommand(1);
  minissl::add_train(app);
  minissl::add_eval(app);
  minissl::add_embed(app);
  minissl::add_monitor(app);
  minissl::add_report(app);
  minissl::add_inspect(app);
  minissl::add_bench(app);
  minissl::add_data(app);
  minissl::add_devices(app);
  std::vector<std::string> arguments = minissl::expand_config({argv + 1, argv + argc});
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : wrong_usage;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "minissl: {}\n", e.what());
    return work_failed;
  }
}
