#pragma once
#include <functional>
#include <memory>
#include <string>

#include "apps/cloned.h"
#include "apps/command.h"
#include "apps/network_flags.h"
#include "ssl/registry.h"

namespace minissl {

/// The flags of one method.
class MethodFlags {
 public:
  /// No method, to be assigned later.
  MethodFlags() = default;
  /// The method's defaults. Throws Error for an unknown method.
  explicit MethodFlags(const std::string& method);

  const std::string& method() const { return method_; }
  void add_to(CLI::App& command);
  /// Converts the flags to `key = value` lines and back. from_toml throws Error for an unknown method or value.
  std::string to_toml() const;
  static MethodFlags from_toml(const std::string& method, const std::string& toml);
  /// MethodConfig::resolve.
  void resolve() { config_->resolve(); }
  std::unique_ptr<Method> make(const NetworkFlags& network, uint64_t seed, DType dtype) const;

 private:
  std::string method_;
  Cloned<MethodConfig> config_;
};

/// Adds a command with a sub-command for each method; `add` adds the flags of each.
void add_command_of_each_method(CLI::App& parent, const std::string& name, const std::string& help,
                                const std::function<void(CLI::App&, const std::string& method)>& add);

}  // namespace minissl
