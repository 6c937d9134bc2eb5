#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ssl/method.h"

namespace minissl {

/// A method's options before it is made.
class MethodConfig {
 public:
  virtual ~MethodConfig() = default;
  virtual void visit(OptionVisitor& visitor) = 0;
  virtual std::unique_ptr<Method> make(const ResNetOptions& network, uint64_t seed, DType dtype) const = 0;
  virtual std::unique_ptr<MethodConfig> clone() const = 0;
};

struct MethodEntry {
  std::string name;                                       ///< as on the command line
  std::function<std::unique_ptr<MethodConfig>()> config;  ///< with the defaults
};

/// All methods.
const std::vector<MethodEntry>& methods();
/// Throws Error, listing the known ones, for a name that is not.
const MethodEntry& find_method(const std::string& name);

}  // namespace minissl
