#include <fmt/format.h>

#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tests/torture/damage.h"
#include "tests/torture/kinds.h"
#include "tests/torture/shim_control.h"
#include "tests/torture/tiny_run.h"

namespace minissl::torture {
namespace {

namespace fs = std::filesystem;

/// Commands are run in a copy of `template_folder`, in which one file is damaged.
struct Target {
  std::string file;
  std::function<Command(const fs::path& folder)> command;
  std::function<Verdict(const fs::path& folder, const Outcome&)> judge;
};

Verdict refused(const Outcome& outcome) {
  // A file of flags with a wrong one is a wrong usage.
  if (outcome.status == 2 && !outcome.hung && !outcome.err.empty()) return {};
  return refused_clearly(outcome);
}

Verdict refused_or(const Outcome& outcome, bool same) {
  if (outcome.hung || outcome.signal || outcome.status != 0) return refused(outcome);
  return same ? Verdict{} : Verdict{Fate::wrong, "another result, with status 0"};
}

/// A run that was killed in the middle of its second epoch.
void make_half_a_run(const Judge& judge, const fs::path& run, const fs::path& scratch) {
  Command command = judge.command(run);
  const Shim shim(command, scratch,
                  {{faults::below_variable, run / "last.safetensors"},
                   {faults::operations_variable, "n"},
                   {faults::at_variable, "4"},
                   {faults::action_variable, "kill"}});
  torture::run(command, scratch);
  require(shim.record().fired == 1, "the run to be damaged was not killed");
}

std::vector<Target> make_targets(const Judge& judge, const fs::path& base) {
  make_half_a_run(judge, base / "run", base.parent_path());
  fs::copy_file(judge.reference() / "backbone.safetensors", base / "weights.safetensors");
  const auto made = [&](const Command& command) {
    const Outcome outcome = run(command, base.parent_path());
    require(outcome.status == 0, "{}: {}", fmt::join(command.arguments, " "), outcome.describe());
  };
  made({{"data", "synth", "--out", base / "images", "--images", "6", "--size", "32"}});
  made({{"data", "pack", base / "images", "--out", base / "images.pack"}});
  fs::create_directories(base / "out");

  const auto embed = [](const std::string& data, const char* bad_fraction = "0") {
    return [data, bad_fraction](const fs::path& folder) {
      return Command{{"embed", "--weights", folder / "weights.safetensors", "--data", data, "--out",
                      folder / "out" / "e.npy", "--threads", "2", "--max-bad-fraction", bad_fraction},
                     {},
                     60,
                     0,
                     false,
                     {},
                     {},
                     folder};
    };
  };
  const auto embeddings = [&](const std::string& data) {
    made(embed(data)(base));
    const std::string expected = read_file(base / "out" / "e.npy");
    fs::remove_all(base / "out");
    fs::create_directories(base / "out");
    return [expected](const fs::path& folder, const Outcome& outcome) {
      return refused_or(outcome, outcome.status == 0 && read_file(folder / "out" / "e.npy") == expected);
    };
  };
  const auto resume = [&judge](const fs::path& folder) { return resumed(judge.command(folder / "run")); };
  const auto whole = [&judge](const fs::path& folder, const Outcome& outcome) {
    if (outcome.hung || outcome.signal || outcome.status != 0) return refused(outcome);
    return judge.compare(folder / "run");
  };
  // Flipped digits of the log's figures can't be told from others. The network must not depend on them.
  const auto same_network = [&judge](const fs::path& folder, const Outcome& outcome) {
    const auto network = [](const fs::path& run) { return read_file(run / "last.safetensors"); };
    return refused_or(outcome, outcome.status == 0 && network(folder / "run") == network(judge.reference()));
  };
  // Nor can the pixels of a damaged image; whatever they are, the command ends as it should.
  const auto any_result = [](const fs::path&, const Outcome& outcome) { return refused_or(outcome, true); };
  std::vector<Target> targets = {{"weights.safetensors", embed("synth:4:32"), embeddings("synth:4:32")},
                                 {"run/last.safetensors", resume, whole},
                                 {"images.pack", embed("images.pack"), embeddings("images.pack")},
                                 {"run/config.toml", resume, whole},
                                 {"run/metrics.jsonl", resume, same_network},
                                 {"run/metrics.jsonl",
                                  [](const fs::path& folder) {
                                    return Command{{"report", folder / "run"}};
                                  },
                                  any_result}};
  for (const auto& entry : fs::recursive_directory_iterator(base / "images"))
    if (entry.is_regular_file()) {
      targets.push_back({fs::relative(entry.path(), base), embed("images", "1"), any_result});
      break;
    }
  return targets;
}

}  // namespace

Tally damaged_files(const Plan& plan) {
  Tally tally("damaged files");
  const Judge judge(plan.scratch);
  const fs::path base = plan.scratch / "base";
  fs::create_directories(base);
  const auto targets = make_targets(judge, base);
  attack_each(plan, plan.attacks(90, 1000), [&](int64_t chosen) {
    auto numbers = numbers_of(plan, chosen);
    const Target& target = targets[static_cast<size_t>(chosen) % targets.size()];
    const fs::path folder = plan.scratch / fmt::format("damaged-{}", chosen);
    fs::copy(base, folder, fs::copy_options::recursive);
    std::string bytes = read_file(folder / target.file);
    const std::string what = damage(bytes, numbers);
    write_file(folder / target.file, bytes);
    const Verdict verdict = target.judge(folder, run(target.command(folder), folder));
    tally.add(fmt::format("{} ({}: {})", chosen, target.file, what), verdict);
    if (verdict.fate == Fate::survived) fs::remove_all(folder);
  });
  return tally;
}

}  // namespace minissl::torture
