#include <csignal>
#include <fmt/format.h>

#include "tensor/error.h"
#include "tests/torture/kinds.h"
#include "tests/torture/shim_control.h"
#include "tests/torture/tiny_run.h"

namespace minissl::torture {
namespace {

namespace fs = std::filesystem;

// Operations that change what is on the disk, and `close`.
constexpr const char* changes = "owsnutdc";

struct Operations {
  std::vector<int64_t> numbers;  // from 1
  std::vector<std::string> names;
};

/// The operations of the tiny run at which to attack. Of the writes of a file that follow one another there are the
/// first, a middle and the last, unless `every`.
Operations operations_of(const Judge& judge, const fs::path& folder, const char* counted, bool every) {
  Command command = judge.command(folder / "run");
  const Shim shim(command, folder,
                  {{faults::below_variable, (folder / "run").string()}, {faults::operations_variable, counted}});
  const Outcome outcome = run(command, folder);
  require(outcome.status == 0, "the run under the shim fails: {}", outcome.describe());
  const faults::Record& record = shim.record();
  const int64_t count = record.operations;
  require(count > 0 && count <= faults::Record::most_operations, "{} file operations", count);
  const auto name = [&](int64_t i) {
    const auto& entry = record.trace[i];
    const std::string path = entry.file;
    return fmt::format("{} {}", entry.operation, path.substr(path.rfind('/') + 1));
  };
  Operations result;
  for (int64_t begin = 0, end = 0; begin < count; begin = end) {
    for (end = begin; end < count && name(end) == name(begin);) ++end;
    for (int64_t i = begin; i < end; ++i)
      if (every || i == begin || i == end - 1 || i == (begin + end) / 2) {
        result.numbers.push_back(i + 1);
        result.names.push_back(fmt::format("operation {} ({})", i + 1, name(i)));
      }
  }
  fs::remove_all(folder / "run");
  return result;
}

/// A disk as the shim's model of a power failure left it.
void fail_power(const fs::path& run, const fs::path& durable) {
  fs::remove_all(run);
  fs::copy(durable / "disk", run, fs::copy_options::recursive);
}

Tally kill_at_each(const Plan& plan, const std::string& kind, const char* action, const char* counted,
                   int64_t when_quick, bool lose_power) {
  Tally tally(kind);
  const Judge judge(plan.scratch);
  const Operations all = operations_of(judge, plan.scratch / "count", counted, !plan.quick && plan.count == 0);
  const auto there_are = static_cast<int64_t>(all.numbers.size());
  const int64_t count = std::min(there_are, plan.attacks(when_quick, there_are));
  attack_each(plan, count, [&](int64_t i) {
    // Spread over the run when there are fewer attacks than operations.
    const auto chosen = static_cast<size_t>(plan.only.empty() ? i * there_are / count : i);
    const fs::path folder = plan.scratch / fmt::format("operation-{}", chosen), run = folder / "run";
    fs::create_directories(folder / "durable" / "disk");
    Command command = judge.command(run);
    std::map<std::string, std::string> settings = {{faults::below_variable, run.string()},
                                                   {faults::operations_variable, counted},
                                                   {faults::at_variable, std::to_string(all.numbers[chosen])},
                                                   {faults::action_variable, action}};
    if (lose_power) settings[faults::durable_variable] = (folder / "durable").string();
    Verdict verdict;
    {
      const Shim shim(command, folder, settings);
      const Outcome outcome = torture::run(command, folder);
      if (outcome.signal != SIGKILL || outcome.hung)
        verdict = {Fate::wrong, "it was not killed: " + outcome.describe()};
    }
    if (verdict.fate == Fate::survived) {
      if (lose_power) fail_power(run, folder / "durable");
      verdict = judge.finish(run);
    }
    tally.add(all.names[chosen], verdict);
    if (verdict.fate == Fate::survived) fs::remove_all(folder);
  });
  return tally;
}

}  // namespace

Tally kills_at_operations(const Plan& plan) {
  return kill_at_each(plan, "kills at each file operation", "kill", changes, 40, false);
}

Tally torn_writes(const Plan& plan) { return kill_at_each(plan, "kills within a write", "torn", "w", 12, false); }

Tally power_failures(const Plan& plan) {
  return kill_at_each(plan, "power failures at each operation", "kill", changes, 40, true);
}

}  // namespace minissl::torture
