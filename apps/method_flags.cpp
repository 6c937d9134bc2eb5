#include "apps/method_flags.h"

#include "apps/option_flags.h"

namespace minissl {

MethodFlags::MethodFlags(const std::string& method) : method_(method), config_(find_method(method).config()) {}

void MethodFlags::add_to(CLI::App& command) {
  begin_group(command, "Method " + method_);
  add_option_flags(command, [this](OptionVisitor& visitor) { config_->visit(visitor); });
  begin_group(command);
}

std::string MethodFlags::to_toml() const {
  MethodFlags copy = *this;
  return defaults_as_toml([&](CLI::App& app) { copy.add_to(app); });
}

MethodFlags MethodFlags::from_toml(const std::string& method, const std::string& toml) {
  MethodFlags flags(method);
  read_flags([&](CLI::App& app) { flags.add_to(app); }, flags_of(toml), "flags of " + method);
  return flags;
}

std::unique_ptr<Method> MethodFlags::make(const NetworkFlags& network, uint64_t seed, DType dtype) const {
  return config_->make(network.config(), seed, dtype);
}

void add_command_of_each_method(CLI::App& parent, const std::string& name, const std::string& help,
                                const std::function<void(CLI::App&, const std::string& method)>& add) {
  CLI::App& group = add_command_group(parent, name, help);
  for (const MethodEntry& method : methods())
    add(add_command(group, method.name, help + " with " + method.name), method.name);
}

}  // namespace minissl
