#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tests/torture/kinds.h"
#include "tests/torture/shim_control.h"
#include "tests/torture/tiny_run.h"

namespace minissl::torture {
namespace {

namespace fs = std::filesystem;

struct Fault {
  const char* action;      // faults::action_variable
  const char* operations;  // that it can happen to
  bool repeats = false;    // from then on always, as a full disk
};

const std::string io_error = std::to_string(EIO), no_space = std::to_string(ENOSPC), quota = std::to_string(EDQUOT),
                  interrupted = std::to_string(EINTR), read_only = std::to_string(EROFS),
                  no_access = std::to_string(EACCES), no_files = std::to_string(EMFILE),
                  no_memory = std::to_string(ENOMEM);

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> all = {
      {io_error.c_str(), "owsnutdc"}, {io_error.c_str(), "owsnutdc", true},
      {no_space.c_str(), "owsnd"},    {no_space.c_str(), "owsnd", true},
      {quota.c_str(), "owsnd", true}, {"short", "w"},
      {"short", "w", true},           {"zero", "w"},
      {interrupted.c_str(), "w"},     {read_only.c_str(), "ondu", true},
      {no_access.c_str(), "ondu"},    {io_error.c_str(), "s"},
      {io_error.c_str(), "n"},        {no_files.c_str(), "o"},
      {io_error.c_str(), "r"},        {"short", "r"},
      {"short", "r", true},           {interrupted.c_str(), "r"},
  };
  return all;
}

/// A command whose files fail below `below`, and what must be so afterwards.
struct Target {
  std::string name;
  std::string operations;  // that it can be attacked at
  std::function<Command(const fs::path& folder)> command;
  std::function<fs::path(const fs::path& folder)> below;
  std::function<Verdict(const fs::path& folder, const Outcome&, const Fault&)> judge;
};

std::vector<Target> targets(const Judge& judge, const fs::path& scratch) {
  const auto run_below = [](const fs::path& folder) { return folder / "run"; };
  const auto whole = [&judge](const fs::path& folder, const Outcome& outcome, const Fault&) {
    if (outcome.status == 0) return judge.compare(folder / "run");
    if (const Verdict verdict = refused_clearly(outcome); verdict.fate != Fate::survived) return verdict;
    return judge.finish(folder / "run");
  };
  const auto train = [&judge](const fs::path& folder) { return judge.command(folder / "run"); };
  const auto resume = [&judge](const fs::path& folder) {
    fs::create_directories(folder);
    fs::copy(judge.reference(), folder / "run");
    return resumed(judge.command(folder / "run"));
  };
  // Images, weights and packs that can't be read: a right result or a refusal, and nothing half written.
  const fs::path images = scratch / "images", pack = scratch / "images.pack";
  require(run({{"data", "synth", "--out", images, "--images", "12", "--size", "32"}}, scratch).status == 0,
          "data synth");
  require(run({{"data", "pack", images, "--out", pack}}, scratch).status == 0, "data pack");
  const auto embed = [=, &judge](const std::string& data) {
    return [=, &judge](const fs::path& folder) {
      return Command{{"embed", "--weights", judge.reference() / "backbone.safetensors", "--data", data, "--out",
                      folder / "out" / "e.npy", "--threads", "2", "--max-bad-fraction", "0"}};
    };
  };
  const auto same = [](const std::string& expected) {
    return [=](const fs::path& folder, const Outcome& outcome, const Fault& fault) -> Verdict {
      const fs::path file = folder / "out" / "e.npy";
      if (outcome.status == 0)
        return fs::exists(file) && read_file(file) == expected ? Verdict{} : Verdict{Fate::wrong, "other embeddings"};
      if (fs::exists(file) && read_file(file) != expected) return {Fate::lost, "half an output file"};
      // A disk on which nothing works any more keeps what is on it.
      for (const auto& entry : fs::directory_iterator(folder / "out"))
        if (!fault.repeats && is_temporary(entry.path()))
          return {Fate::lost, entry.path().filename().string() + " was left behind"};
      return refused_clearly(outcome);
    };
  };
  const auto expected = [&](const std::string& data, const char* name) {
    const fs::path folder = scratch / name;
    fs::create_directories(folder / "out");
    const Outcome outcome = run(embed(data)(folder), folder);
    require(outcome.status == 0, "embed: {}", outcome.describe());
    return same(read_file(folder / "out" / "e.npy"));
  };
  const auto below = [](const fs::path& path) { return [path](const fs::path&) { return path; }; };
  return {{"train", "orwsnutdc", train, run_below, whole},
          {"resume", "orwsnutdc", resume, run_below, whole},
          {"embed images", "or", embed(images), below(images), expected(images, "expected-images")},
          {"embed pack", "orm", embed(pack), below(pack), expected(pack, "expected-pack")},
          {"embed weights", "or", embed(images), below(judge.reference()), expected(images, "expected-weights")},
          {"embed output", "owsnutdc", embed(images), [](const fs::path& folder) { return folder / "out"; },
           expected(images, "expected-output")}};
}

int64_t count_operations(const Target& target, const fs::path& folder, const std::string& operations) {
  fs::create_directories(folder / "out");
  Command command = target.command(folder);
  const Shim shim(command, folder,
                  {{faults::below_variable, target.below(folder)}, {faults::operations_variable, operations}});
  run(command, folder);
  const int64_t count = shim.record().operations;
  fs::remove_all(folder);
  return count;
}

/// The operations of the fault that this target has.
std::string shared(const Target& target, const Fault& fault) {
  std::string both;
  for (const char* o = fault.operations; *o; ++o)
    if (target.operations.find(*o) != std::string::npos) both += *o;
  return both;
}

}  // namespace

Tally storage_faults(const Plan& plan) {
  Tally tally("storage faults");
  const Judge judge(plan.scratch);
  const auto all_targets = targets(judge, plan.scratch);
  attack_each(plan, plan.attacks(50, 300), [&](int64_t chosen) {
    auto numbers = numbers_of(plan, chosen);
    // Every second attack is on training; the fault goes through all of them.
    const Target& target = all_targets[chosen % 2 == 0 ? 0 : static_cast<size_t>(chosen / 2) % all_targets.size()];
    std::vector<Fault> possible;
    for (const Fault& fault : all_faults())
      if (!shared(target, fault).empty()) possible.push_back(fault);
    const Fault fault = possible[static_cast<size_t>(numbers()) % possible.size()];
    const std::string operations = shared(target, fault);
    const fs::path folder = plan.scratch / fmt::format("storage-{}", chosen);
    const int64_t there_are = count_operations(target, folder, operations);
    if (there_are == 0) return tally.add(target.name, {});
    const int64_t at = 1 + static_cast<int64_t>(numbers() % static_cast<uint64_t>(there_are));
    fs::create_directories(folder / "out");
    Command command = target.command(folder);
    std::map<std::string, std::string> settings = {{faults::below_variable, target.below(folder)},
                                                   {faults::operations_variable, operations},
                                                   {faults::at_variable, std::to_string(at)},
                                                   {faults::action_variable, fault.action}};
    if (fault.repeats) settings[faults::repeat_variable] = "1";
    const Shim shim(command, folder, settings);
    const Outcome outcome = run(command, folder);
    const bool number = std::isdigit(static_cast<unsigned char>(*fault.action)) != 0;
    const Verdict verdict =
        outcome.hung || outcome.signal ? refused_clearly(outcome) : target.judge(folder, outcome, fault);
    tally.add(fmt::format("{} ({}, {} at `{}` {} of {}{})", chosen, target.name,
                          number ? std::strerror(std::atoi(fault.action)) : fault.action, operations, at, there_are,
                          fault.repeats ? " and later" : ""),
              verdict);
    if (verdict.fate == Fate::survived) fs::remove_all(folder);
  });
  return tally;
}

}  // namespace minissl::torture
