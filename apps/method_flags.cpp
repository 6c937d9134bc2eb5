#include "apps/method_flags.h"

namespace minissl {

namespace {

// Where a command has a flag of that name already (inspect step's --weights is a file), the option's begins with
// "loss-".
class FlagAdder : public OptionVisitor {
 public:
  explicit FlagAdder(CLI::App& command) : command_(command) {}
  void visit(const char* name, int64_t& value, const char* help) override {
    add_flag(command_, free_name(name), value, help);
  }
  void visit(const char* name, double& value, const char* help) override {
    add_flag(command_, free_name(name), value, help);
  }
  void visit(const char* name, bool& value, const char* help) override {
    add_switch(command_, free_name(name), value, help);
  }
  void visit(const char* name, std::string& value, const char* help) override {
    add_flag(command_, free_name(name), value, help);
  }
  void visit(const char* name, std::array<double, 3>& value, const char* help) override {
    add_list(command_, free_name(name), value, help);
  }

 private:
  std::string free_name(const std::string& name) const {
    return command_.get_option_no_throw("--" + name) ? "loss-" + name : name;
  }

  CLI::App& command_;
};

}  // namespace

void NetworkFlags::add_to(CLI::App& command) {
  command.option_defaults()->group("Network");
  add_flag(command, "arch", arch, "resnet18 or resnet50");
  add_flag(command, "stem", stem, "imagenet, or small: 3x3 of stride 1, no max pooling");
  add_flag(command, "channels", channels, "of the images: 3, or 1 for gray")->check(CLI::IsMember({1, 3}));
  add_flag(command, "size", size, "of the square images")->check(CLI::Range(8, 4096));
  command.option_defaults()->group("Options");
}

ResNetOptions NetworkFlags::options() const { return {parse_architecture(arch), parse_stem(stem), channels}; }

MethodFlags::MethodFlags(const std::string& method) : method_(method), config_(find_method(method).config()) {}

MethodFlags::MethodFlags(const MethodFlags& other)
    : method_(other.method_), config_(other.config_ ? other.config_->clone() : nullptr) {}

MethodFlags& MethodFlags::operator=(MethodFlags other) noexcept {
  std::swap(method_, other.method_);
  std::swap(config_, other.config_);
  return *this;
}

void MethodFlags::add_to(CLI::App& command) {
  command.option_defaults()->group("Method " + method_);
  FlagAdder adder(command);
  config_->visit(adder);
  command.option_defaults()->group("Options");
}

std::string MethodFlags::to_toml() const {
  CLI::App app;
  MethodFlags copy = *this;
  copy.add_to(app);
  return minissl::to_toml(values_in_force(app, {}));
}

MethodFlags MethodFlags::from_toml(const std::string& method, const std::string& toml) {
  CLI::App app;
  MethodFlags flags(method);
  flags.add_to(app);
  std::istringstream in(toml);
  std::vector<std::string> arguments = flags_of(in);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Error& e) {
    fail("flags of {}: {}", method, e.what());
  }
  return flags;
}

std::unique_ptr<Method> MethodFlags::make(const NetworkFlags& network, uint64_t seed, DType dtype) const {
  return config_->make(network.options(), seed, dtype);
}

void for_each_method(CLI::App& command, const std::function<void(CLI::App&, const std::string&)>& add) {
  command.require_subcommand(1);
  for (const MethodEntry& method : methods())
    add(*command.add_subcommand(method.name, command.get_description() + " with " + method.name), method.name);
}

}  // namespace minissl
