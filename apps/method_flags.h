#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apps/command.h"
#include "ssl/method.h"
#include "ssl/moco.h"

namespace minissl {

/// The methods' names, as on the command line.
const std::vector<std::string>& method_names();

/// The flags that decide which networks are built.
struct NetworkFlags {
  std::string arch = "resnet18", stem = "imagenet";
  int64_t channels = 3, size = 224;

  void add_to(CLI::App& command);
  ResNetOptions options() const;
};

/// The flags of one method.
struct MethodFlags {
  std::string method;
  std::string head = "mlp";
  MoCoOptions moco;

  /// The flags of `method_name`, which becomes `method`.
  void add_to(CLI::App& command, const std::string& method_name);
  /// The flags as `key = value` lines, and back. from_toml throws Error for a method or a value that is not known.
  std::string to_toml() const;
  static MethodFlags from_toml(const std::string& method_name, const std::string& toml);
  std::unique_ptr<Method> make(const NetworkFlags& network, uint64_t seed, DType dtype) const;
};

/// Adds one subcommand per method, each with its own flags.
void for_each_method(CLI::App& command, const std::function<void(CLI::App&, const std::string& method)>& add);

}  // namespace minissl
