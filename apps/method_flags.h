#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apps/command.h"
#include "ssl/registry.h"

namespace minissl {

/// The flags that decide which networks are built.
struct NetworkFlags {
  std::string arch = "resnet18", stem = "imagenet";
  int64_t width = 64, channels = 3, size = 224;

  void add_to(CLI::App& command);
  ResNetOptions options() const;
};

/// The flags of one method.
class MethodFlags {
 public:
  /// No method yet: to be assigned to.
  MethodFlags() = default;
  /// The defaults. Throws Error for a method that is not known.
  explicit MethodFlags(const std::string& method);
  MethodFlags(const MethodFlags& other);
  MethodFlags& operator=(MethodFlags other) noexcept;
  MethodFlags(MethodFlags&&) noexcept = default;
  ~MethodFlags() = default;

  const std::string& method() const { return method_; }
  void add_to(CLI::App& command);
  /// The flags as `key = value` lines, and back. from_toml throws Error for a method or a value that is not known.
  std::string to_toml() const;
  static MethodFlags from_toml(const std::string& method, const std::string& toml);
  std::unique_ptr<Method> make(const ResNetOptions& network, uint64_t seed, DType dtype) const;

 private:
  std::string method_;
  std::unique_ptr<MethodConfig> config_;
};

/// Adds a command with a command for each method, to which `add` adds its flags.
void add_command_of_each_method(CLI::App& parent, const std::string& name, const std::string& help,
                                const std::function<void(CLI::App&, const std::string& method)>& add);

}  // namespace minissl
