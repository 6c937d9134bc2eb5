#pragma once
#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <fmt/ranges.h>
#include <sstream>
#include <string>
#include <vector>

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

/// An option that takes its last value: a flag on the command line wins over the same key of a --config file.
template <class T>
CLI::Option* add_flag(CLI::App& command, const std::string& name, T& value, const std::string& help) {
  return command.add_option("--" + name, value, help)->capture_default_str()->take_last();
}

/// The same for a switch that is `on` or `off`.
CLI::Option* add_switch(CLI::App& command, const std::string& name, bool& value, const std::string& help);

/// The same for a list of n numbers: `a,b,c`.
template <class T, size_t n>
CLI::Option* add_list(CLI::App& command, const std::string& name, std::array<T, n>& values, const std::string& help) {
  return command
      .add_option_function<std::string>(
          "--" + name,
          [&values, name](const std::string& text) {
            std::istringstream in(text);
            std::string part;
            for (T& value : values) {
              char* end = nullptr;
              if (!std::getline(in, part, ',') || (value = static_cast<T>(std::strtod(part.c_str(), &end)), *end) ||
                  part.empty())
                throw CLI::ValidationError("--" + name,
                                           fmt::format("needs {} numbers like {}", n, fmt::join(values, ",")));
            }
            if (!in.eof()) throw CLI::ValidationError("--" + name, fmt::format("needs {} numbers, not more", n));
          },
          help)
      ->default_str(fmt::format("{}", fmt::join(values, ",")))
      ->take_last();
}

/// `--cuda-graph`, of commands that make training steps.
void add_cuda_graph(CLI::App& command, bool& value);

/// Arguments with every `--config FILE` replaced by the file's keys as flags, before the flags that were given.
/// Throws Error naming the file when it can't be read or is not flat `key = value` TOML.
std::vector<std::string> expand_config(const std::vector<std::string>& arguments);

/// The flags that flat TOML stands for: "--key=value".
std::vector<std::string> flags_of(std::istream& toml);

/// All options of a command with the values in force, in their order, as (key, TOML value); but not those in `without`.
std::vector<std::pair<std::string, std::string>> values_in_force(const CLI::App& command,
                                                                 const std::vector<std::string>& without);

/// `key = value` lines.
std::string to_toml(const std::vector<std::pair<std::string, std::string>>& values);

// One function per file in commands/: adds a command, its flags and what it does.
void add_bench(CLI::App& app);
void add_data(CLI::App& app);
void add_devices(CLI::App& app);
void add_embed(CLI::App& app);
void add_eval(CLI::App& app);
void add_inspect(CLI::App& app);
void add_inspect_leak(CLI::App& inspect);
void add_inspect_memory(CLI::App& inspect);
void add_monitor(CLI::App& app);
void add_report(CLI::App& app);
void add_train(CLI::App& app);

}  // namespace minissl
