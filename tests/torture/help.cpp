#include "tests/torture/help.h"

#include <sstream>

#include "tensor/error.h"
#include "tests/torture/process.h"

namespace minissl::torture {
namespace {

void describe(std::vector<std::string> words, const std::filesystem::path& scratch,
              std::vector<DescribedCommand>& commands) {
  std::vector<std::string> arguments = words;
  arguments.emplace_back("--help");
  const Outcome outcome = run({arguments}, scratch);
  require(outcome.status == 0, "--help fails: {}", outcome.describe());
  DescribedCommand command{words, {}};
  std::vector<std::string> below;
  enum class Section { none, positionals, subcommands } section = Section::none;
  std::istringstream text(outcome.out);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("Subcommands:"))
      section = Section::subcommands;
    else if (line.starts_with("Positionals:"))
      section = Section::positionals;
    else if (!line.empty() && line[0] != ' ')
      section = Section::none;
    // Entries are indented by two; their continued descriptions by more.
    if (!line.starts_with("  ") || line.starts_with("   ")) continue;
    std::istringstream entry(line);
    std::string name, type;
    entry >> name >> type;
    if (section == Section::subcommands) {
      below.push_back(name);
      continue;
    }
    const bool takes_value = type.starts_with("TEXT") || type.starts_with("INT") || type.starts_with("UINT") ||
                             type.starts_with("FLOAT") || name == "--config";
    const bool required = line.find(" REQUIRED") != std::string::npos;
    if (section == Section::positionals) command.flags.push_back({"", true, true});
    if (const size_t dashes = name.find("--"); dashes != std::string::npos && name.find("--help") == std::string::npos)
      command.flags.push_back({name.substr(dashes), takes_value, required});
  }
  if (below.empty()) commands.push_back(std::move(command));
  for (const std::string& word : below) {
    auto longer = words;
    longer.push_back(word);
    describe(longer, scratch, commands);
  }
}

}  // namespace

std::vector<DescribedCommand> all_commands(const std::filesystem::path& scratch) {
  std::vector<DescribedCommand> commands;
  describe({}, scratch, commands);
  require(commands.size() > 10, "--help names only {} commands", commands.size());
  return commands;
}

}  // namespace minissl::torture
