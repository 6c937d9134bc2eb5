#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

/// A command of the command line, as CLI11 has it. The library's header takes eight seconds to compile, so only
/// flags.cpp and main.cpp know it.
namespace CLI {
class App;
}

namespace minissl {

/// What must be true of a flag beside the type of its value.
struct FlagRules {
  bool required = false;
  std::vector<std::string> one_of = {};
  int64_t least = std::numeric_limits<int64_t>::min(), most = std::numeric_limits<int64_t>::max();
};

/// Adds `--name VALUE`: T is an integer, a double, a string, or a vector, given as `a,b,c`. It keeps its last value, so
/// that a flag on the command line wins over the same key of a --config file.
template <class T>
void add_flag(CLI::App& command, const std::string& name, T& value, const std::string& help,
              const FlagRules& rules = {});
/// The same for exactly n numbers.
template <class T, size_t n>
void add_list(CLI::App& command, const std::string& name, std::array<T, n>& values, const std::string& help);
/// `--name on` or `--name off`.
void add_switch(CLI::App& command, const std::string& name, bool& value, const std::string& help);
/// `--name`: true where it is given.
void add_toggle(CLI::App& command, const std::string& name, bool& value, const std::string& help);
void add_json(CLI::App& command, bool& value);
/// `--config FILE`, for --help to show: expand_config has replaced it before.
void add_config(CLI::App& command);
/// A value without a name, or several.
template <class T>
void add_positional(CLI::App& command, const std::string& name, T& value, const std::string& help);
bool has_flag(const CLI::App& command, const std::string& name);
/// A library's message with its options as flags: `temperature` becomes --temperature, where there is such a flag.
std::string with_flags(const std::string& message);
/// The heading in --help of what is added from now on.
void begin_group(CLI::App& command, const std::string& heading = "Options");

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& help);
/// One that has commands of its own, of which one must be given.
CLI::App& add_command_group(CLI::App& parent, const std::string& name, const std::string& help);
/// What the command does once its flags are read.
void set_action(CLI::App& command, std::function<void()> action);

/// Arguments with every `--config FILE` replaced by the file's keys as flags, before the flags that were given.
/// Throws Error naming the file when it can't be read or is not flat `key = value` TOML.
std::vector<std::string> expand_config(const std::vector<std::string>& arguments);

/// The flags that flat TOML stands for: "--key=value".
std::vector<std::string> flags_of(const std::string& toml);

/// All options of a command with the values in force, in their order, as `key = value` lines; but not those in
/// `without`.
std::string to_toml(const CLI::App& command, const std::vector<std::string>& without = {});

/// What `add` adds, read from arguments. Throws Error that begins with `where` for wrong ones.
void read_flags(const std::function<void(CLI::App&)>& add, const std::vector<std::string>& arguments,
                const std::string& where);
/// What `add` adds, as lines of TOML.
std::string defaults_as_toml(const std::function<void(CLI::App&)>& add);

}  // namespace minissl
