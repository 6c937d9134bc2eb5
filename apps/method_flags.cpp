#include "apps/method_flags.h"

namespace minissl {

const std::vector<std::string>& method_names() {
  static const std::vector<std::string> names{"moco"};
  return names;
}

void NetworkFlags::add_to(CLI::App& command) {
  command.option_defaults()->group("Network");
  add_flag(command, "arch", arch, "resnet18 or resnet50");
  add_flag(command, "stem", stem, "imagenet, or small: 3x3 of stride 1, no max pooling");
  add_flag(command, "channels", channels, "of the images: 3, or 1 for gray")->check(CLI::IsMember({1, 3}));
  add_flag(command, "size", size, "of the square images")->check(CLI::Range(8, 4096));
  command.option_defaults()->group("Options");
}

ResNetOptions NetworkFlags::options() const { return {parse_architecture(arch), parse_stem(stem), channels}; }

void MethodFlags::add_to(CLI::App& command, const std::string& method_name) {
  method = method_name;
  command.option_defaults()->group("Method " + method);
  if (method == "moco") {
    add_flag(command, "dim", moco.dim, "of the projections");
    add_flag(command, "head", head, "mlp (MoCo v2) or linear (MoCo v1)");
    add_flag(command, "queue", moco.queue, "keys of past batches to contrast with");
    add_flag(command, "momentum", moco.momentum, "of the key encoder");
    add_flag(command, "temperature", moco.temperature, "of the softmax");
    add_flag(command, "variance-weight", moco.variance_weight, "of VICReg's variance term on the raw projections");
  }
  command.option_defaults()->group("Options");
}

std::string MethodFlags::to_toml() const {
  CLI::App app;
  MethodFlags copy = *this;
  copy.add_to(app, method);
  return minissl::to_toml(values_in_force(app, {}));
}

MethodFlags MethodFlags::from_toml(const std::string& method_name, const std::string& toml) {
  require(std::find(method_names().begin(), method_names().end(), method_name) != method_names().end(),
          "method {} is not known; there are {}", method_name, fmt::join(method_names(), ", "));
  CLI::App app;
  MethodFlags flags;
  flags.add_to(app, method_name);
  std::istringstream in(toml);
  std::vector<std::string> arguments = flags_of(in);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Error& e) {
    fail("flags of {}: {}", method_name, e.what());
  }
  return flags;
}

std::unique_ptr<Method> MethodFlags::make(const NetworkFlags& network, uint64_t seed, DType dtype) const {
  if (method == "moco") {
    MoCoOptions options = moco;
    options.head = parse_head(head);
    return std::make_unique<MoCo>(options, network.options(), seed, dtype);
  }
  fail("method {} is not known", method);
}

void for_each_method(CLI::App& command, const std::function<void(CLI::App&, const std::string&)>& add) {
  command.require_subcommand(1);
  for (const std::string& method : method_names()) {
    CLI::App* subcommand = command.add_subcommand(method, command.get_description() + " with " + method);
    add(*subcommand, method);
  }
}

}  // namespace minissl
