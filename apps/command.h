#pragma once
#include <cstdint>
#include <string>

#include "apps/flags.h"
#include "nn/module.h"
#include "tensor/dtype.h"

/// Flags shared by all commands.
namespace minissl {

struct CommonFlags {
  int threads = 0;  ///< 0: allowed_threads()
  uint64_t seed = 0;
  std::string device = "auto";
  std::string precision = "f32";
  bool exact_convolutions = false, tf32 = false;
  bool json = false;

  void add_to(CLI::App& command);
  /// Sets the number of threads. While the returned scope lives, networks are created on --device. Throws Error for a
  /// device or precision that this build or machine lacks.
  [[nodiscard]] DeviceScope apply() const;
  /// The number of threads that apply() sets.
  int resolved_threads() const;
  /// The type of images and activations; parameters and losses have master_type(dtype()).
  DType dtype() const;
  /// The device that --device selects; auto is the first GPU if there is one. Throws Error if there is no such device.
  Device compute_device() const;
};

/// What a data set, and the flags that read it, may have.
inline constexpr Range workers_range{0, 1024}, threads_range{0, 4096}, white_level_range{0, 65535},
    fraction_range{0, 1};

/// Adds `--cuda-graph`, for commands that run training steps.
void add_cuda_graph(CLI::App& command, bool& value);

/// The positional DATA, `--max-value` and `--threads` of commands that decode images.
void add_decoding_flags(CLI::App& command, std::string& data, int& max_value, int& threads);

/// Adds all commands.
void add_commands(CLI::App& app);
// One function per file in commands/: adds a command, its flags and its action.
void add_bench(CLI::App& app);
void add_bench_data(CLI::App& bench);
void add_bench_embed(CLI::App& bench);
void add_data(CLI::App& app);
void add_data_check(CLI::App& data);
void add_data_pack(CLI::App& data);
void add_data_split(CLI::App& data);
void add_devices(CLI::App& app);
void add_embed(CLI::App& app);
void add_eval(CLI::App& app);
void add_inspect(CLI::App& app);
void add_inspect_checkpoint(CLI::App& inspect);
void add_inspect_graph(CLI::App& inspect);
void add_inspect_leak(CLI::App& inspect);
void add_inspect_memory(CLI::App& inspect);
void add_inspect_reconstruct(CLI::App& inspect);
void add_inspect_views(CLI::App& inspect);
void add_monitor(CLI::App& app);
void add_report(CLI::App& app);
void add_train(CLI::App& app);

}  // namespace minissl
