#include <csignal>
#include <fmt/format.h>

#include "tests/torture/kinds.h"
#include "tests/torture/tiny_run.h"

namespace minissl::torture {

Tally random_kills(const Plan& plan) {
  Tally tally("kills at random moments");
  const Judge judge(plan.scratch);
  attack_each(plan, plan.attacks(16, 200), [&](int64_t i) {
    auto numbers = numbers_of(plan, i);
    const auto folder = plan.scratch / fmt::format("kill-{}", i);
    // Up to three kills, the later ones of the resumed run.
    const int kills = 1 + static_cast<int>(numbers() % 3);
    Verdict verdict;
    for (int k = 0; k < kills; ++k) {
      Command command = judge.command(folder / "run");
      Child child(k == 0 ? command : resumed(command), folder);
      sleep_for(std::uniform_real_distribution<double>(0, 1.2 * judge.seconds())(numbers));
      child.send(SIGKILL);
      const Outcome outcome = child.wait();
      if (outcome.status > 0) break;  // finish() says what it is
    }
    verdict = judge.finish(folder / "run");
    tally.add(fmt::format("kill {}", i), verdict);
    if (verdict.fate == Fate::survived) std::filesystem::remove_all(folder);
  });
  return tally;
}

}  // namespace minissl::torture
