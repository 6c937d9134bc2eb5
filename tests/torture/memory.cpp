#include <fmt/format.h>

#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tests/torture/kinds.h"
#include "tests/torture/shim_control.h"
#include "tests/torture/tiny_run.h"

namespace minissl::torture {
namespace {

namespace fs = std::filesystem;

/// A command whose allocations fail, and what must be so afterwards.
struct Target {
  std::string name;
  std::function<Command(const fs::path& folder)> command;
  std::function<Verdict(const fs::path& folder, const Outcome&)> judge;
};

std::vector<uint64_t> call_paths(const Target& target, const fs::path& folder) {
  fs::create_directories(folder);
  Command command = target.command(folder);
  command.fixed_addresses = true;
  const Shim shim(command, folder, {{faults::list_paths_variable, "1"}});
  const Outcome outcome = run(command, folder);
  require(outcome.status == 0, "{} under the shim fails: {}", target.name, outcome.describe());
  std::vector<uint64_t> paths;
  for (const auto& path : shim.record().paths)
    if (path != 0) paths.push_back(path);
  require(paths.size() < faults::Record::most_paths, "{}: more call paths than the record holds", target.name);
  fs::remove_all(folder);
  return paths;
}

Verdict run_is_whole(const Judge& judge, const fs::path& folder, const Outcome& outcome) {
  if (outcome.status == 0) return judge.compare(folder / "run");
  if (const Verdict verdict = refused_clearly(outcome); verdict.fate != Fate::survived) return verdict;
  return judge.finish(folder / "run");
}

/// An evaluation reads and writes no file of ours: it is right or it is refused.
Verdict same_or_refused(const std::string& expected, const Outcome& outcome) {
  if (outcome.status != 0) return refused_clearly(outcome);
  return outcome.out == expected ? Verdict{} : Verdict{Fate::wrong, "another result: " + outcome.out};
}

std::vector<Target> targets(const Judge& judge, const fs::path& scratch) {
  const auto train = [&judge](const fs::path& folder) { return judge.command(folder / "run"); };
  const auto resume = [&judge](const fs::path& folder) {
    fs::create_directories(folder);
    fs::copy(judge.reference(), folder / "run");
    return resumed(judge.command(folder / "run"));
  };
  const auto whole = [&judge](const fs::path& folder, const Outcome& outcome) {
    return run_is_whole(judge, folder, outcome);
  };
  const Command evaluation{{"eval", "linear", "--weights", judge.reference() / "backbone.safetensors", "--train",
                            "synth:12:32:5", "--test", "synth:12:32:6", "--threads", "2", "--json"}};
  const Outcome evaluated = run(evaluation, scratch);
  require(evaluated.status == 0, "eval linear: {}", evaluated.describe());
  const auto same = [expected = evaluated.out](const fs::path&, const Outcome& outcome) {
    return same_or_refused(expected, outcome);
  };
  return {{"train", train, whole},
          {"resume", resume, whole},
          {"eval", [evaluation](const fs::path&) { return evaluation; }, same}};
}

struct Attack {
  const Target* target;
  uint64_t path;
  bool exhausted;
};

Verdict attack(const Attack& attack, const fs::path& folder) {
  fs::create_directories(folder);
  Command command = attack.target->command(folder);
  command.fixed_addresses = true;
  std::map<std::string, std::string> settings = {{faults::path_variable, std::to_string(attack.path)},
                                                 {faults::trace_variable, "1"}};
  if (attack.exhausted) settings[faults::exhausted_variable] = "1";
  const Shim shim(command, folder, settings);
  const Outcome outcome = run(command, folder);
  write_file(folder / "stderr.txt", outcome.err);
  // A path that isn't taken again (threads race) is no attack, and the command must then have done its work.
  if (shim.record().fired == 0 && outcome.status != 0)
    return {Fate::wrong, "it fails without a fault: " + outcome.describe()};
  return attack.target->judge(folder, outcome);
}

}  // namespace

Tally failed_allocations(const Plan& plan) {
  Tally tally("failed allocations");
  const Judge judge(plan.scratch);
  const auto all_targets = targets(judge, plan.scratch);
  std::vector<Attack> all;
  for (const Target& target : all_targets)
    for (const uint64_t path : call_paths(target, plan.scratch / ("paths-" + target.name)))
      for (const bool exhausted : {false, true}) all.push_back({&target, path, exhausted});
  const auto there_are = static_cast<int64_t>(all.size());
  const int64_t count = std::min(there_are, plan.attacks(60, there_are));
  fmt::print(stderr, "{} of {} attacks\n", count, there_are);
  auto numbers = numbers_of(plan, 0);
  std::shuffle(all.begin(), all.end(), numbers);
  attack_each(plan, count, [&](int64_t i) {
    const auto chosen = static_cast<size_t>(i);
    const fs::path folder = plan.scratch / fmt::format("allocation-{}", chosen);
    const Verdict verdict = attack(all[chosen], folder);
    tally.add(
        fmt::format("{} ({}{})", chosen, all[chosen].target->name, all[chosen].exhausted ? ", all later too" : ""),
        verdict);
    if (verdict.fate == Fate::survived) fs::remove_all(folder);
  });
  return tally;
}

}  // namespace minissl::torture
