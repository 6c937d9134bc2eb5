#include "apps/network_flags.h"

#include <algorithm>

#include "apps/option_flags.h"
#include "ssl/registry.h"

namespace minissl {
namespace {

std::string& chosen_arch() {
  static std::string arch = "resnet18";
  return arch;
}

bool is_known(const std::string& arch) {
  const auto& all = backbones();
  return std::any_of(all.begin(), all.end(), [&](const BackboneEntry& e) { return e.name == arch; });
}

}  // namespace

NetworkFlags::NetworkFlags(const std::string& name) : arch(name), config_(find_backbone(name).config()) {}

void NetworkFlags::add_to(CLI::App& command) {
  begin_group(command, "Network");
  FlagRules names{.given = &given};
  for (const BackboneEntry& e : backbones()) names.one_of.push_back(e.name);
  add_flag(command, "arch", arch, "the backbone", names);
  add_flag(command, "channels", channels, "image channels: 3, or 1 for gray", {.one_of = {"1", "3"}, .given = &given});
  add_flag(command, "size", size, "height and width of the images", {.range = {8, 4096}, .given = &given});
  add_option_flags(
      command, [this](OptionVisitor& visitor) { config_->visit(visitor); }, {}, &given);
  begin_group(command);
}

const BackboneConfig& NetworkFlags::config() const {
  config_->channels = channels;
  config_->size = built_size > 0 ? built_size : size;
  return *config_;
}

std::map<std::string, std::string> NetworkFlags::options() const {
  return option_texts([this](OptionVisitor& visitor) { config_->visit(visitor); });
}

void NetworkFlags::set_options(const std::map<std::string, std::string>& values, const std::string& where) {
  minissl::set_options([this](OptionVisitor& visitor) { config_->visit(visitor); }, values, where);
}

const std::string& NetworkFlags::default_arch() { return chosen_arch(); }

void NetworkFlags::choose_default_arch(const std::vector<std::string>& arguments) {
  for (const std::string& word : arguments) {
    if (word.starts_with("-")) break;
    for (const MethodEntry& method : methods())
      if (method.name == word) chosen_arch() = method.arch;
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string arch;
    if (arguments[i].starts_with("--arch=")) arch = arguments[i].substr(7);
    if (arguments[i] == "--arch" && i + 1 < arguments.size()) arch = arguments[i + 1];
    if (is_known(arch)) chosen_arch() = arch;  // the last one wins
  }
}

}  // namespace minissl
