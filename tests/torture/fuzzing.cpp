#include <csignal>
#include <fmt/format.h>

#include "tests/torture/fuzz/targets.h"
#include "tests/torture/kinds.h"
#include "tests/torture/process.h"

namespace minissl::torture {

Tally fuzzed_inputs(const Plan& plan) {
  Tally tally("fuzzed inputs");
  const int64_t inputs = plan.attacks(3000, 100000);
  constexpr int64_t batch = 1000;
  constexpr int64_t most_memory = int64_t{4} << 30;
  attack_each(plan, static_cast<int64_t>(fuzz::targets().size()), [&](int64_t t) {
    const char* name = fuzz::targets().at(static_cast<size_t>(t)).name;
    for (int64_t first = 0; first < inputs;) {
      const int64_t count = std::min(batch, inputs - first);
      const Outcome outcome = run({{name, std::to_string(plan.seed), std::to_string(first), std::to_string(count)},
                                   {{"TMPDIR", plan.scratch}},
                                   600,
                                   most_memory,
                                   false,
                                   {},
                                   {},
                                   {},
                                   MINISSL_FUZZ},
                                  plan.scratch);
      if (outcome.status == 0) {
        for (int64_t i = 0; i < count; ++i) tally.add(name, {});
        first += count;
        continue;
      }
      // Goes on after the input that ended it.
      const size_t end = outcome.out.find_last_of('\n'), begin = outcome.out.find_last_of('\n', end - 1);
      const int64_t last =
          end == std::string::npos ? first : std::stoll(outcome.out.substr(begin == std::string::npos ? 0 : begin + 1));
      for (int64_t i = first; i < last; ++i) tally.add(name, {});
      const Fate fate = outcome.signal == SIGPROF || outcome.hung ? Fate::hung
                        : outcome.signal                          ? Fate::crashed
                                                                  : Fate::wrong;
      tally.add(fmt::format("fuzz {} {} {} 1", name, plan.seed, last), {fate, outcome.describe()});
      first = last + 1;
    }
  });
  return tally;
}

}  // namespace minissl::torture
