#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace minissl::torture {

struct Flag {
  std::string name;  ///< "--batch"; empty for a positional
  bool takes_value = false, required = false;
};

/// A command as its --help describes it.
struct DescribedCommand {
  std::vector<std::string> words;  ///< "train", "moco"
  std::vector<Flag> flags;
};

/// All commands of minissl, from the --help of each.
std::vector<DescribedCommand> all_commands(const std::filesystem::path& scratch);

}  // namespace minissl::torture
