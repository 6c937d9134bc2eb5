#pragma once
#include <cstdint>
#include <string>

#include "apps/flags.h"
#include "nn/module.h"
#include "tensor/dtype.h"

/// What every command shares.
namespace minissl {

struct CommonFlags {
  int threads = 0;  ///< 0: the machine's cores
  uint64_t seed = 0;
  std::string device = "auto";
  std::string precision = "f32";
  bool exact_convolutions = false, tf32 = false;
  bool json = false;

  void add_to(CLI::App& command);
  /// Sets the number of threads; while what it returns lives, networks are made on --device. Throws Error for a device
  /// or precision that this build or machine lacks.
  [[nodiscard]] DeviceScope apply() const;
  /// Of images and what networks make of them; parameters and losses are of master_type(dtype()).
  DType dtype() const;
  /// What --device says: auto is the first GPU where there is one. Throws Error where there is no such device.
  Device compute_device() const;
};

/// `--cuda-graph`, of commands that make training steps.
void add_cuda_graph(CLI::App& command, bool& value);

// One function per file in commands/: adds a command, its flags and what it does.
void add_bench(CLI::App& app);
void add_data(CLI::App& app);
void add_devices(CLI::App& app);
void add_embed(CLI::App& app);
void add_eval(CLI::App& app);
void add_inspect(CLI::App& app);
void add_inspect_checkpoint(CLI::App& inspect);
void add_inspect_graph(CLI::App& inspect);
void add_inspect_leak(CLI::App& inspect);
void add_inspect_memory(CLI::App& inspect);
void add_inspect_views(CLI::App& inspect);
void add_monitor(CLI::App& app);
void add_report(CLI::App& app);
void add_train(CLI::App& app);

}  // namespace minissl
