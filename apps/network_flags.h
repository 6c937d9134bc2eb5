#pragma once
#include <map>
#include <string>

#include "apps/cloned.h"
#include "apps/flags.h"
#include "nn/backbone.h"

namespace minissl {

/// The flags that select a backbone: its name, the size and channels of its images, and the options of its family.
/// The options depend on --arch, so its value must be known before flags are added.
class NetworkFlags {
 public:
  /// The backbone of --arch (default_arch()) with default options.
  NetworkFlags() : NetworkFlags(default_arch()) {}
  /// Throws Error for an unknown name.
  explicit NetworkFlags(const std::string& arch);

  void add_to(CLI::App& command);

  std::string arch;
  int64_t channels = 3, size = 224;
  int64_t built_size = 0;  ///< of the images that a pretrained network was built for, if that differs; else 0
  /// The names of the flags that were given.
  std::set<std::string> given;

  /// BackboneConfig::adapt_to.
  void adapt_to(const SafetensorsReader& file) { config_->adapt_to(file); }
  /// The configuration for creating the backbone.
  const BackboneConfig& config() const;
  /// The options of the backbone's family, by name.
  std::map<std::string, std::string> options() const;
  /// Sets the named options. Throws Error, starting with `where`, for an invalid value.
  void set_options(const std::map<std::string, std::string>& values, const std::string& where);

  /// The default of --arch.
  static const std::string& default_arch();
  /// Takes the default for all flags created after this call from a command line: its --arch, or else the backbone of
  /// the method that it names. Unknown names are left for the flag of add_to() to reject.
  static void choose_default_arch(const std::vector<std::string>& arguments);

 private:
  Cloned<BackboneConfig> config_;
};

}  // namespace minissl
