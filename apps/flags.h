#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tensor/range.h"

/// A command of the command line, in CLI11. The library's header takes eight seconds to compile, so only flags.cpp and
/// command_line.cpp include it.
namespace CLI {
class App;
}

namespace minissl {

/// Constraints on a flag besides the type of its value.
struct FlagRules {
  bool required = false;  ///< a text is then not empty, either
  std::vector<std::string> one_of = {};
  Range range = Range::finite();                       ///< of a number: every flag names its own
  std::function<void(const std::string&)> check = {};  ///< of a text: throws Error if it means nothing
  std::set<std::string>* given = nullptr;              ///< receives the name if the flag is given
};

/// A seed may be any number of 64 bits.
inline FlagRules seed_rules() { return {.range = {0, 0x1p64}}; }

/// Adds `--name VALUE`: T is an integer, a float, a double, an optional double, a string, or a vector, given as
/// `a,b,c`. The last value wins, so that a flag on the command line overrides the same key of a --config file. Values
/// that the rules exclude are wrong usage.
template <class T>
void add_flag(CLI::App& command, const std::string& name, T& value, const std::string& help,
              const FlagRules& rules = {});
/// The same for exactly n numbers, each in the rules' range.
template <class T, size_t n>
void add_list(CLI::App& command, const std::string& name, std::array<T, n>& values, const std::string& help,
              const FlagRules& rules);
/// The same for two numbers in order: FROM,TO.
template <class T>
void add_interval(CLI::App& command, const std::string& name, std::array<T, 2>& values, const std::string& help,
                  const FlagRules& rules);
/// `--name on` or `--name off`.
void add_switch(CLI::App& command, const std::string& name, bool& value, const std::string& help,
                const FlagRules& rules = {});
/// `--name`: true if given.
void add_toggle(CLI::App& command, const std::string& name, bool& value, const std::string& help);
void add_json(CLI::App& command, bool& value);
/// Adds `--config FILE` for --help only: expand_config has already replaced it.
void add_config(CLI::App& command);
/// Adds one or several values without a flag.
template <class T>
void add_positional(CLI::App& command, const std::string& name, T& value, const std::string& help);
/// Returns which of `flags` the command line gives with a value other than the default, as "--name value". Keys of a
/// --config file do not count, because a recipe serves several runs.
std::vector<std::string> idle_flags(const CLI::App& command, const std::vector<std::string>& flags);
bool has_flag(const CLI::App& command, const std::string& name);
/// Rewrites a library's message so that its options read as flags: `temperature` becomes --temperature if such a flag
/// exists.
std::string with_flags(const std::string& message);
/// Sets the heading in --help for the flags added after this call.
void begin_group(CLI::App& command, const std::string& heading = "Options");

/// Throws what ends the program with the status of wrong usage.
[[noreturn]] void throw_wrong_usage(const std::string& message);

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& help);
/// Adds a command with sub-commands, one of which must be given.
CLI::App& add_command_group(CLI::App& parent, const std::string& name, const std::string& help);
/// Sets the function that the command runs after its flags are parsed.
void set_action(CLI::App& command, std::function<void()> action);

/// Replaces every `--config FILE` by flags for the file's keys, placed before the flags that were given.
/// Throws Error naming the file if it can't be read or is not flat `key = value` TOML.
std::vector<std::string> expand_config(const std::vector<std::string>& arguments);

/// Converts flat TOML to flags: "--key=value".
std::vector<std::string> flags_of(const std::string& toml);

/// All options of a command except `without`, with their current values or those that they were `resolved` to, in
/// order, as `key = value` lines.
std::string to_toml(const CLI::App& command, const std::vector<std::string>& without = {},
                    const std::map<std::string, std::string>& resolved = {});

/// Parses arguments with the flags that `add` adds. Throws Error, starting with `where`, for invalid arguments.
void read_flags(const std::function<void(CLI::App&)>& add, const std::vector<std::string>& arguments,
                const std::string& where);
/// The defaults of the flags that `add` adds, as lines of TOML.
std::string defaults_as_toml(const std::function<void(CLI::App&)>& add);

}  // namespace minissl
