#include "apps/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/ranges.h>

#include "apps/flag_values.h"
#include "apps/presets.h"
#include "apps/run/toml.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tensor/options.h"

namespace minissl {
namespace {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

// The names of the flags of all commands.
std::set<std::string>& known_flags() {
  static std::set<std::string> names;
  return names;
}

// The names of the flags on the command line itself.
std::set<std::string>& typed_flags() {
  static std::set<std::string> names;
  return names;
}

bool is_flag(const std::string& argument) { return argument.starts_with("-"); }

// The value of an argument that may be "--name value" or "--name=value"; moves `i` to its last part.
std::optional<std::string> value_of(const std::string& name, const std::vector<std::string>& arguments, size_t& i) {
  if (arguments[i].starts_with(name + "=")) return arguments[i].substr(name.size() + 1);
  if (arguments[i] != name) return std::nullopt;
  if (i + 1 == arguments.size()) throw_wrong_usage(name + " needs a value");
  return arguments[++i];
}

std::vector<std::string> flags_of_file(const std::string& path) {
  const std::string toml = read_file(path);
  try {
    return flags_of(toml);
  } catch (const std::exception& e) {
    fail("--config {}: {}", path, e.what());
  }
}

// A flag whose text `read` turns into a value; its Errors are wrong usage.
template <class Text>
CLI::Option& add_reader(CLI::App& command, const std::string& name, const std::string& help,
                        const std::function<void(const Text&)>& read, const FlagRules& rules) {
  known_flags().insert(name);
  const auto read_or_refuse = [read, name, given = rules.given](const Text& text) {
    try {
      read(text);
    } catch (const Error& error) {
      throw_wrong_usage(with_flags(error.what()));
    }
    if (given) given->insert(name);
  };
  return *command.add_option_function<Text>("--" + name, read_or_refuse, help)->required(rules.required);
}

}  // namespace

template <class T>
void add_flag(CLI::App& command, const std::string& name, T& value, const std::string& help, const FlagRules& rules) {
  if constexpr (IsVector<T>::value) {
    using Element = typename T::value_type;
    const auto read = [&value, name, rules](const std::vector<std::string>& texts) {
      value = read_values<Element>(name, texts, rules);
    };
    CLI::Option& option = add_reader<std::vector<std::string>>(command, name, help, read, rules);
    option.type_name(kind_of_value<Element>(rules) + ", ...");
    if (!value.empty()) option.default_str(fmt::format("{}", fmt::join(value, ",")));
  } else {
    const auto read = [&value, name, rules](const std::string& text) { value = read_value<T>(name, text, rules); };
    add_reader<std::string>(command, name, help, read, rules)
        .take_last()
        ->default_str(fmt::format("{}", value))
        ->type_name(kind_of_value<T>(rules));
  }
}
template void add_flag(CLI::App&, const std::string&, int&, const std::string&, const FlagRules&);
template void add_flag(CLI::App&, const std::string&, int64_t&, const std::string&, const FlagRules&);
template void add_flag(CLI::App&, const std::string&, uint64_t&, const std::string&, const FlagRules&);
template void add_flag(CLI::App&, const std::string&, float&, const std::string&, const FlagRules&);
template void add_flag(CLI::App&, const std::string&, double&, const std::string&, const FlagRules&);
template void add_flag(CLI::App&, const std::string&, std::string&, const std::string&, const FlagRules&);
template void add_flag(CLI::App&, const std::string&, std::vector<int64_t>&, const std::string&, const FlagRules&);
template void add_flag(CLI::App&, const std::string&, std::vector<std::string>&, const std::string&, const FlagRules&);

template <>
void add_flag(CLI::App& command, const std::string& name, std::optional<double>& value, const std::string& help,
              const FlagRules& rules) {
  const auto read = [&value, name, rules](const std::string& text) { value = read_value<double>(name, text, rules); };
  add_reader<std::string>(command, name, help, read, rules).take_last()->type_name(kind_of_value<double>(rules));
}

template <class T, size_t n>
void add_list(CLI::App& command, const std::string& name, std::array<T, n>& values, const std::string& help,
              const FlagRules& rules) {
  const auto read = [&values, name, rules](const std::string& text) {
    const std::vector<double> numbers = read_numbers(name, text, n, rules.range);
    std::transform(numbers.begin(), numbers.end(), values.begin(), [](double v) { return static_cast<T>(v); });
  };
  add_reader<std::string>(command, name, help, read, rules)
      .take_last()
      ->default_str(fmt::format("{}", fmt::join(values, ",")))
      ->type_name(kind_of_value<T>(rules) + ", ...");
}
template void add_list(CLI::App&, const std::string&, std::array<double, 2>&, const std::string&, const FlagRules&);
template void add_list(CLI::App&, const std::string&, std::array<double, 3>&, const std::string&, const FlagRules&);

template <class T>
void add_interval(CLI::App& command, const std::string& name, std::array<T, 2>& values, const std::string& help,
                  const FlagRules& rules) {
  const auto read = [&values, name, rules](const std::string& text) {
    const std::vector<double> ends = read_numbers(name, text, 2, rules.range);
    check_interval(name, {ends[0], ends[1]}, rules.range);
    values = {static_cast<T>(ends[0]), static_cast<T>(ends[1])};
  };
  add_reader<std::string>(command, name, help, read, rules)
      .take_last()
      ->default_str(fmt::format("{}", fmt::join(values, ",")))
      ->type_name(kind_of_value<T>(rules) + ", ...");
}
template void add_interval(CLI::App&, const std::string&, std::array<float, 2>&, const std::string&, const FlagRules&);
template void add_interval(CLI::App&, const std::string&, std::array<double, 2>&, const std::string&, const FlagRules&);

void add_switch(CLI::App& command, const std::string& name, bool& value, const std::string& help,
                const FlagRules& rules) {
  FlagRules on_or_off = rules;
  on_or_off.one_of = {"on", "off"};
  const auto read = [&value, name, on_or_off](const std::string& text) {
    value = read_value<std::string>(name, text, on_or_off) == "on";
  };
  add_reader<std::string>(command, name, help, read, rules)
      .take_last()
      ->default_str(value ? "on" : "off")
      ->type_name(kind_of_value<std::string>(on_or_off));
}

void add_toggle(CLI::App& command, const std::string& name, bool& value, const std::string& help) {
  known_flags().insert(name);
  command.add_flag("--" + name, value, help);
}

void add_json(CLI::App& command, bool& value) {
  add_toggle(command, "json", value, "print one JSON object and nothing else");
}

void add_config(CLI::App& command) {
  command.add_option("--config", "a TOML file with the same keys as the long flags; a flag given here wins");
  command.add_option("--preset", "")->description("a recipe by its name, read before --config: " + preset_names());
}

template <class T>
void add_positional(CLI::App& command, const std::string& name, T& value, const std::string& help) {
  command.add_option(name, value, help)->required();
}
template void add_positional(CLI::App&, const std::string&, std::string&, const std::string&);
template void add_positional(CLI::App&, const std::string&, std::vector<std::string>&, const std::string&);

std::vector<std::string> idle_flags(const CLI::App& command, const std::vector<std::string>& flags) {
  std::vector<std::string> idle;
  for (const std::string& flag : flags) {
    const CLI::Option* option = command.get_option("--" + flag);
    if (!typed_flags().contains(flag) || option->count() == 0) continue;
    const std::string value = fmt::format("{}", fmt::join(option->reduced_results(), ","));
    if (value != option->get_default_str()) idle.push_back(fmt::format("--{} {}", flag, value));
  }
  return idle;
}

bool has_flag(const CLI::App& command, const std::string& name) {
  return command.get_option_no_throw("--" + name) != nullptr;
}

std::string with_flags(const std::string& message) {
  std::string text;
  for (size_t at = 0; at < message.size();) {
    const size_t end = message[at] == '`' ? message.find('`', at + 1) : std::string::npos;
    const std::string name = end == std::string::npos ? "" : message.substr(at + 1, end - at - 1);
    if (known_flags().contains(name)) {
      text += "--" + name;
      at = end + 1;
    } else {
      text += message[at++];
    }
  }
  return text;
}

void begin_group(CLI::App& command, const std::string& heading) { command.option_defaults()->group(heading); }

void throw_wrong_usage(const std::string& message) { throw CLI::ValidationError(message); }

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& help) {
  return *parent.add_subcommand(name, help);
}

CLI::App& add_command_group(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App& command = add_command(parent, name, help);
  command.require_subcommand(1);
  return command;
}

void set_action(CLI::App& command, std::function<void()> action) { command.callback(std::move(action)); }

std::vector<std::string> flags_of(const std::string& toml) {
  std::vector<std::string> flags;
  for (const auto& [name, value] : read_toml(toml)) {
    if (!value.empty()) {
      flags.push_back(fmt::format("--{}={}", name, value));
      continue;
    }
    // CLI11 takes the text after "--name=" as its value.
    flags.push_back("--" + name);
    flags.emplace_back();
  }
  return flags;
}

std::vector<std::string> expand_config(const std::vector<std::string>& arguments) {
  std::vector<std::string> from_presets, from_files, given;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (const auto file = value_of("--config", arguments, i)) {
      for (std::string& flag : flags_of_file(*file)) from_files.push_back(std::move(flag));
    } else if (const auto name = value_of("--preset", arguments, i)) {
      const Preset* preset = find_preset(*name);
      if (preset == nullptr)
        throw_wrong_usage(fmt::format("--preset {} is not known; there are {}", *name, preset_names()));
      for (std::string& flag : flags_of(std::string(preset->toml))) from_presets.push_back(std::move(flag));
    } else {
      given.push_back(arguments[i]);
    }
  }
  from_files.insert(from_files.begin(), from_presets.begin(), from_presets.end());
  for (const std::string& argument : given)
    if (argument.starts_with("--")) typed_flags().insert(argument.substr(2, argument.find('=') - 2));
  // After the names of the command, before its flags.
  const auto first_flag = std::find_if(given.begin(), given.end(), is_flag);
  // A run's config.toml has the method as a key, the command line has it as a command.
  std::erase_if(from_files, [&](const std::string& flag) {
    if (!flag.starts_with("--method=")) return false;
    const std::string method = flag.substr(9);
    require(std::find(given.begin(), first_flag, method) != first_flag,
            "--config or --preset is for {0}; use train {0}", method);
    return true;
  });
  given.insert(first_flag, from_files.begin(), from_files.end());
  return given;
}

std::string to_toml(const CLI::App& command, const std::vector<std::string>& without,
                    const std::map<std::string, std::string>& resolved) {
  std::string text;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_single_name();
    if (name == "help" || name == "config" || name == "preset" ||
        std::find(without.begin(), without.end(), name) != without.end())
      continue;
    const bool toggle = option->get_expected_max() == 0;
    std::string value = toggle ? "false" : option->get_default_str();
    if (option->count() > 0) value = fmt::format("{}", fmt::join(option->reduced_results(), ","));
    if (const auto known = resolved.find(name); known != resolved.end()) value = known->second;
    text += toml_line(name, value);
  }
  return text;
}

void read_flags(const std::function<void(CLI::App&)>& add, const std::vector<std::string>& arguments,
                const std::string& where) {
  CLI::App app;
  add(app);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 expects them reversed
  } catch (const CLI::Error& e) {
    fail("{}: {}", where, e.what());
  }
}

std::string defaults_as_toml(const std::function<void(CLI::App&)>& add) {
  CLI::App app;
  add(app);
  return to_toml(app);
}

}  // namespace minissl
