#pragma once
#include <map>
#include <string>

#include "apps/cloned.h"
#include "apps/flags.h"
#include "nn/backbone.h"

namespace minissl {

/// The flags that decide which backbone is made: its name, the images that it is for, and the options of its family.
/// Which options there are depends on --arch, so its value has to be known before flags are added.
class NetworkFlags {
 public:
  /// The backbone of --arch (default_arch()), with the defaults.
  NetworkFlags() : NetworkFlags(default_arch()) {}
  /// Throws Error for a name that is not known.
  explicit NetworkFlags(const std::string& arch);

  void add_to(CLI::App& command);

  std::string arch;
  int64_t channels = 3, size = 224;

  /// What the flags say, for making backbones.
  const BackboneConfig& config() const;
  /// The options of the backbone's family by name.
  std::map<std::string, std::string> options() const;
  /// Sets those that are named. Throws Error, which begins with `where`, for a value that is none.
  void set_options(const std::map<std::string, std::string>& values, const std::string& where);

  /// What --arch is where nothing else was said.
  static const std::string& default_arch();
  /// Reads --arch from a command line, for all flags that are made after it; names that are not known are left for
  /// add_to()'s flag to refuse.
  static void choose_default_arch(const std::vector<std::string>& arguments);

 private:
  Cloned<BackboneConfig> config_;
};

}  // namespace minissl
