#include "apps/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/ranges.h>
#include <set>
#include <sstream>

#include "tensor/atomic_file.h"
#include "tensor/error.h"

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

bool is_flag(const std::string& argument) { return argument.starts_with("-"); }

std::vector<std::string> flags_of_file(const std::string& path) {
  const std::string toml = read_file(path);
  try {
    return flags_of(toml);
  } catch (const std::exception& e) {
    fail("--config {}: {}", path, e.what());
  }
}

std::string toml_value(const std::string& value) {
  char* end = nullptr;
  std::strtod(value.c_str(), &end);
  const bool number = !value.empty() && *end == '\0' && std::isxdigit(static_cast<unsigned char>(value.back())) != 0;
  if (number || value == "true" || value == "false") return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

template <class T>
void add_flag(CLI::App& command, const std::string& name, T& value, const std::string& help, const FlagRules& rules) {
  known_flags().insert(name);
  CLI::Option* option = command.add_option("--" + name, value, help)->required(rules.required);
  if constexpr (IsVector<T>::value) {
    option->delimiter(',');
    if (!value.empty()) option->capture_default_str();
  } else {
    option->take_last()->capture_default_str();
  }
  if (!rules.one_of.empty()) option->check(CLI::IsMember(rules.one_of));
  if constexpr (std::is_integral_v<T>) {
    constexpr FlagRules none;
    if (rules.least != none.least || rules.most != none.most) option->check(CLI::Range(rules.least, rules.most));
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

template <class T, size_t n>
void add_list(CLI::App& command, const std::string& name, std::array<T, n>& values, const std::string& help) {
  const auto read = [&values, name](const std::string& text) {
    std::istringstream in(text);
    std::string part;
    for (T& value : values) {
      char* end = nullptr;
      if (!std::getline(in, part, ',') || (value = static_cast<T>(std::strtod(part.c_str(), &end)), *end) ||
          part.empty())
        throw CLI::ValidationError("--" + name, fmt::format("needs {} numbers like {}", n, fmt::join(values, ",")));
    }
    if (!in.eof()) throw CLI::ValidationError("--" + name, fmt::format("needs {} numbers, not more", n));
  };
  known_flags().insert(name);
  command.add_option_function<std::string>("--" + name, read, help)
      ->default_str(fmt::format("{}", fmt::join(values, ",")))
      ->take_last();
}
template void add_list(CLI::App&, const std::string&, std::array<float, 2>&, const std::string&);
template void add_list(CLI::App&, const std::string&, std::array<double, 2>&, const std::string&);
template void add_list(CLI::App&, const std::string&, std::array<double, 3>&, const std::string&);

void add_switch(CLI::App& command, const std::string& name, bool& value, const std::string& help) {
  const auto read = [&value](const std::string& text) { value = text == "on"; };
  known_flags().insert(name);
  command.add_option_function<std::string>("--" + name, read, help)
      ->check(CLI::IsMember({"on", "off"}))
      ->default_str(value ? "on" : "off")
      ->take_last();
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
}

template <class T>
void add_positional(CLI::App& command, const std::string& name, T& value, const std::string& help) {
  command.add_option(name, value, help)->required();
}
template void add_positional(CLI::App&, const std::string&, std::string&, const std::string&);
template void add_positional(CLI::App&, const std::string&, std::vector<std::string>&, const std::string&);

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
  std::istringstream in(toml);
  std::vector<std::string> flags;
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(in)) {
    require(item.parents.empty() && item.name != "++", "sections ([...]) have no meaning; it holds key = value lines");
    const std::string value = fmt::format("{}", fmt::join(item.inputs, ","));
    if (!value.empty()) {
      flags.push_back(fmt::format("--{}={}", item.name, value));
      continue;
    }
    // CLI11 takes the text after "--name=" as its value.
    flags.push_back("--" + item.name);
    flags.emplace_back();
  }
  return flags;
}

std::vector<std::string> expand_config(const std::vector<std::string>& arguments) {
  std::vector<std::string> from_files, given;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string path;
    if (arguments[i].starts_with("--config=")) {
      path = arguments[i].substr(9);
    } else if (arguments[i] == "--config") {
      require(i + 1 < arguments.size(), "--config needs a file");
      path = arguments[++i];
    } else {
      given.push_back(arguments[i]);
      continue;
    }
    for (std::string& flag : flags_of_file(path)) from_files.push_back(std::move(flag));
  }
  // After the names of the command, before its flags.
  const auto first_flag = std::find_if(given.begin(), given.end(), is_flag);
  // A run's config.toml has the method as a key, the command line has it as a command.
  std::erase_if(from_files, [&](const std::string& flag) {
    if (!flag.starts_with("--method=")) return false;
    const std::string method = flag.substr(9);
    require(std::find(given.begin(), first_flag, method) != first_flag, "--config: the file is for {0}; use train {0}",
            method);
    return true;
  });
  given.insert(first_flag, from_files.begin(), from_files.end());
  return given;
}

std::string to_toml(const CLI::App& command, const std::vector<std::string>& without) {
  std::string text;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_single_name();
    if (name == "help" || name == "config" || std::find(without.begin(), without.end(), name) != without.end())
      continue;
    const bool toggle = option->get_expected_max() == 0;
    std::string value = toggle ? "false" : option->get_default_str();
    if (option->count() > 0) value = fmt::format("{}", fmt::join(option->reduced_results(), ","));
    // CLI11 prints lists as [a,b].
    if (value.starts_with("[") && value.ends_with("]")) value = value.substr(1, value.size() - 2);
    text += fmt::format("{} = {}\n", name, toml_value(value));
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
