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
  std::string free_name(const std::string& name) const { return has_flag(command_, name) ? "loss-" + name : name; }

  CLI::App& command_;
};

}  // namespace

void NetworkFlags::add_to(CLI::App& command) {
  begin_group(command, "Network");
  add_flag(command, "arch", arch, "resnet18 or resnet50");
  add_flag(command, "stem", stem, "imagenet, or small: 3x3 of stride 1, no max pooling");
  add_flag(command, "width", width, "channels of the first stage; 64 as published, less is faster",
           {.one_of = {"8", "16", "32", "64", "128", "256"}});
  add_flag(command, "channels", channels, "of the images: 3, or 1 for gray", {.one_of = {"1", "3"}});
  add_flag(command, "size", size, "of the square images", {.least = 8, .most = 4096});
  begin_group(command);
}

ResNetOptions NetworkFlags::options() const {
  return {.architecture = parse_architecture(arch), .stem = parse_stem(stem), .channels = channels, .width = width};
}

MethodFlags::MethodFlags(const std::string& method) : method_(method), config_(find_method(method).config()) {}

MethodFlags::MethodFlags(const MethodFlags& other)
    : method_(other.method_), config_(other.config_ ? other.config_->clone() : nullptr) {}

MethodFlags& MethodFlags::operator=(MethodFlags other) noexcept {
  std::swap(method_, other.method_);
  std::swap(config_, other.config_);
  return *this;
}

void MethodFlags::add_to(CLI::App& command) {
  begin_group(command, "Method " + method_);
  FlagAdder adder(command);
  config_->visit(adder);
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

std::unique_ptr<Method> MethodFlags::make(const ResNetOptions& network, uint64_t seed, DType dtype) const {
  return config_->make(network, seed, dtype);
}

void add_command_of_each_method(CLI::App& parent, const std::string& name, const std::string& help,
                                const std::function<void(CLI::App&, const std::string& method)>& add) {
  CLI::App& group = add_command_group(parent, name, help);
  for (const MethodEntry& method : methods())
    add(add_command(group, method.name, help + " with " + method.name), method.name);
}

}  // namespace minissl
