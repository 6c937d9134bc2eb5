#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

#include "tensor/error.h"
#include "tests/torture/kinds.h"
#include "tests/torture/process.h"

namespace minissl::torture {
namespace {

namespace fs = std::filesystem;

constexpr const char* usage =
    "usage: torture [--quick] [--count N] [--seed N] [--jobs N] [--only ATTACK] [--scratch FOLDER]\n"
    "               [--patience FACTOR] [KIND ...]\n";

struct Arguments {
  Plan plan;
  std::vector<std::string> kinds;
};

Arguments parse(int argc, char** argv) {
  Arguments result;
  std::string scratch;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&] {
      require(i + 1 < argc, "{} needs a value", argument);
      return std::string(argv[++i]);
    };
    if (argument == "--quick")
      result.plan.quick = true;
    else if (argument == "--count")
      result.plan.count = std::stoll(value());
    else if (argument == "--seed")
      result.plan.seed = std::stoull(value());
    else if (argument == "--jobs")
      result.plan.jobs = std::stoi(value());
    else if (argument == "--only")
      result.plan.only = value(), result.plan.count = 1;
    else if (argument == "--patience")
      set_patience(std::stod(value()));
    else if (argument == "--scratch")
      scratch = value();
    else
      result.kinds.push_back(argument);
  }
  std::string pattern = ((scratch.empty() ? fs::temp_directory_path() : fs::path(scratch)) / "torture-XXXXXX").string();
  fs::create_directories(fs::path(pattern).parent_path());
  require(mkdtemp(pattern.data()) != nullptr, "can't create a folder in {}", fs::path(pattern).parent_path().string());
  result.plan.scratch = pattern;
  return result;
}

int attack(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  for (const std::string& name : arguments.kinds) {
    const bool known = std::any_of(kinds().begin(), kinds().end(), [&](const Kind& kind) { return kind.name == name; });
    require(known, "{} is no kind of attack", name);
  }
  std::vector<std::string> rows;
  bool all_survived = true;
  for (const Kind& kind : kinds()) {
    const auto& chosen = arguments.kinds;
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), kind.name) == chosen.end()) continue;
    Plan plan = arguments.plan;
    plan.scratch /= kind.name;
    fs::create_directories(plan.scratch);
    const Tally tally = kind.attack(plan);
    all_survived = all_survived && tally.tried() > 0 && tally.survived() == tally.tried();
    rows.push_back(tally.row());
    fmt::print(stderr, "{}\n", rows.back());
  }
  fmt::print("\n{}\n{}\n", Tally::heading(), fmt::join(rows, "\n"));
  if (all_survived)
    fs::remove_all(arguments.plan.scratch);
  else
    fmt::print("what did not survive is in {}\n", arguments.plan.scratch.string());
  return all_survived ? 0 : 1;
}

}  // namespace
}  // namespace minissl::torture

int main(int argc, char** argv) {
  try {
    return minissl::torture::attack(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "torture: {}\n{}", error.what(), minissl::torture::usage);
    return 2;
  }
}
