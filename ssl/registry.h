#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ssl/method.h"

namespace minissl {

/// A method's options before its construction.
class MethodConfig {
 public:
  virtual ~MethodConfig() = default;
  virtual void visit(OptionVisitor& visitor) = 0;
  /// Throws Error for invalid options.
  virtual std::unique_ptr<Method> make(const BackboneConfig& backbone, uint64_t seed, DType dtype) const = 0;
  virtual std::unique_ptr<MethodConfig> clone() const = 0;
  /// Takes options that stand for the contents of a file from there, so that the method can later be made without it.
  virtual void resolve() {}
};

/// The configuration of a method class M, which has
///   using Options = ...;  // with visit(OptionVisitor&), and the defaults; and resolve() if they depend on files
///   M(const Options&, const BackboneConfig&, uint64_t seed, DType)
template <class M>
class MethodConfigOf final : public MethodConfig {
 public:
  void visit(OptionVisitor& visitor) override { options_.visit(visitor); }
  std::unique_ptr<Method> make(const BackboneConfig& backbone, uint64_t seed, DType dtype) const override {
    MethodConfigOf resolved(*this);
    resolved.resolve();
    return std::make_unique<M>(checked(resolved.options_), backbone, seed, dtype);
  }
  void resolve() override {
    if constexpr (requires { options_.resolve(); }) options_.resolve();
  }
  std::unique_ptr<MethodConfig> clone() const override { return std::make_unique<MethodConfigOf>(*this); }

 private:
  typename M::Options options_;
};

struct MethodEntry {
  std::string name;                                       ///< as on the command line
  std::function<std::unique_ptr<MethodConfig>()> config;  ///< with the defaults
  std::string arch = "resnet18";                          ///< the backbone of a command line that names none
};

/// The entry of the method class M.
template <class M>
MethodEntry method_entry(std::string name, std::string arch = "resnet18") {
  return {std::move(name), [] { return std::make_unique<MethodConfigOf<M>>(); }, std::move(arch)};
}

/// All methods: those in ssl/methods, and any that a program has added.
const std::vector<MethodEntry>& methods();
/// Throws Error, listing the known names, for an unknown one.
const MethodEntry& find_method(const std::string& name);
/// Adds one; call it before any command is parsed. Throws Error if the name is taken.
void add_method(MethodEntry entry);
/// Adds the method class M.
template <class M>
void add_method(std::string name, std::string arch = "resnet18") {
  add_method(method_entry<M>(std::move(name), std::move(arch)));
}

}  // namespace minissl
