#include <array>
#include <csignal>
#include <cstring>
#include <fmt/format.h>

#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tests/torture/kinds.h"
#include "tests/torture/tiny_run.h"

namespace minissl::torture {
namespace {

namespace fs = std::filesystem;

constexpr std::array stopping = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU};
constexpr double most_seconds = 10;
constexpr const char* pack_name = "a.pack";

/// A command that is stopped, and the time it takes when it isn't.
struct Target {
  std::string name;
  std::function<Command(const fs::path& folder)> command;
  bool trains = false;
  double seconds = 0;
  fs::path whole = {};  // the pack that it makes when it isn't stopped
};

std::vector<Target> make_targets(const Judge& judge, const fs::path& scratch) {
  const fs::path weights = judge.reference() / "backbone.safetensors";
  std::vector<Target> targets = {
      {"train", [&](const fs::path& folder) { return judge.command(folder / "run"); }, true},
      {"eval",
       [=](const fs::path&) {
         return Command{{"eval", "linear", "--weights", weights, "--train", "synth:300:64:5", "--test",
                         "synth:300:64:6", "--threads", "2", "--json"}};
       }},
      {"embed",
       [=](const fs::path& folder) {
         return Command{{"embed", "--weights", weights, "--data", "synth:600:64", "--threads", "2", "--out",
                         folder / "out" / "e.npy"}};
       }},
      {"data pack", [=](const fs::path& folder) {
         return Command{{"data", "pack", scratch / "images", "--out", folder / "out" / pack_name}};
       }}};
  require(run({{"data", "synth", "--out", scratch / "images", "--images", "300", "--size", "64"}}, scratch).status == 0,
          "data synth");
  for (Target& target : targets) {
    const fs::path folder = scratch / ("time " + target.name);
    fs::create_directories(folder / "out");
    const Outcome outcome = run(target.command(folder), folder);
    require(outcome.status == 0, "{}: {}", target.name, outcome.describe());
    target.seconds = outcome.seconds;
    if (const fs::path pack = folder / "out" / pack_name; fs::exists(pack)) {
      target.whole = scratch / "whole.pack";
      fs::rename(pack, target.whole);
    }
    fs::remove_all(folder);
  }
  return targets;
}

/// What was stopped ends with the status that a shell shows for the signal; a training run says how to go on, and does.
Verdict judge_stop(const Judge& judge, const Target& target, const fs::path& folder, int signal, const Outcome& outcome,
                   double took) {
  if (outcome.hung || took > patience() * most_seconds)
    return {Fate::hung, fmt::format("{:.0f} s after the signal: {}", took, outcome.describe())};
  if (outcome.signal && outcome.signal != signal) return {Fate::crashed, outcome.describe()};
  if (!target.trains) {
    for (const auto& entry : fs::directory_iterator(folder / "out"))
      if (is_temporary(entry.path())) return {Fate::lost, entry.path().filename().string() + " was left behind"};
    const bool stopped = outcome.signal == signal || outcome.status == 128 + signal;
    if (!stopped && outcome.status != 0) return {Fate::wrong, outcome.describe()};
    if (target.whole.empty()) return {};
    // What was packed stays, and the same command goes on from it.
    if (outcome.status != 0) {
      const Outcome again = run(target.command(folder), folder);
      if (again.status != 0) return {Fate::lost, "again: " + again.describe()};
    }
    return read_file(folder / "out" / pack_name) == read_file(target.whole)
               ? Verdict{}
               : Verdict{Fate::wrong, "the pack differs from one that was never stopped"};
  }
  if (outcome.status == 0) return judge.compare(folder / "run");
  // Before main() has begun nobody can answer.
  const bool too_early = outcome.signal == signal && !fs::exists(folder / "run");
  if (!too_early && outcome.status != 128 + signal) return {Fate::wrong, outcome.describe()};
  if (!too_early && outcome.err.find("--resume") == std::string::npos &&
      fs::exists(folder / "run" / "last.safetensors"))
    return {Fate::wrong, "no line says how to go on: " + outcome.describe()};
  return judge.finish(folder / "run");
}

}  // namespace

Tally signals(const Plan& plan) {
  Tally tally("signals");
  const Judge judge(plan.scratch);
  const auto targets = make_targets(judge, plan.scratch);
  attack_each(plan, plan.attacks(40, 200), [&](int64_t chosen) {
    auto numbers = numbers_of(plan, chosen);
    // Every second one is a training run.
    const Target& target = targets[chosen % 2 == 0 ? 0 : 1 + static_cast<size_t>(chosen / 2) % (targets.size() - 1)];
    const int signal = stopping[static_cast<size_t>(numbers()) % stopping.size()];
    const fs::path folder = plan.scratch / fmt::format("signal-{}", chosen);
    fs::create_directories(folder / "out");
    Child child(target.command(folder), folder);
    const double at = std::uniform_real_distribution<double>(0, 1.1 * target.seconds)(numbers);
    sleep_for(at);
    child.send(signal);
    const double sent = now();
    const Outcome outcome = child.wait();
    const Verdict verdict = judge_stop(judge, target, folder, signal, outcome, now() - sent);
    tally.add(fmt::format("{} ({}, {} after {:.2f} s)", chosen, target.name, strsignal(signal), at), verdict);
    if (verdict.fate == Fate::survived) fs::remove_all(folder);
  });
  return tally;
}

Tally broken_outputs(const Plan& plan) {
  Tally tally("closed and full outputs");
  const Judge judge(plan.scratch);
  const fs::path weights = judge.reference() / "backbone.safetensors";
  // A run needs neither to train.
  for (const char* where : {"closed", "broken", "/dev/full"})
    for (const bool out : {false, true}) {
      const fs::path folder = plan.scratch / fmt::format("output-{}", tally.tried());
      Command command = judge.command(folder / "run");
      (out ? command.out : command.err) = where;
      const Outcome outcome = run(command, folder);
      Verdict verdict = outcome.status == 0 ? judge.compare(folder / "run") : Verdict{Fate::lost, outcome.describe()};
      if (outcome.hung) verdict.fate = Fate::hung;
      tally.add(fmt::format("train, {} {}", out ? "stdout" : "stderr", where), verdict);
    }
  // Results that can't be written are no results.
  for (const char* where : {"closed", "broken", "/dev/full"}) {
    Command command{{"eval", "knn", "--weights", weights, "--train", "synth:12:32:5", "--test", "synth:12:32:6", "--k",
                     "3", "--json"}};
    command.out = where;
    tally.add(fmt::format("eval, stdout {}", where), refused_clearly(run(command, plan.scratch)));
  }
  return tally;
}

}  // namespace minissl::torture
