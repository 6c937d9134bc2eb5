#include "apps/run/run_table.h"

#include <gtest/gtest.h>

namespace minissl {
namespace {

TEST(RunTable, ShowsWhereEachRunBeganAndEndedBesideItsBaselines) {
  NamedRun moco{.name = "moco"};
  moco.events = {to_json(EvalEvent{0, 0.302, 1000, 0.302, 0.374}),
                 to_json(EpochEvent{0, 5.5, {}}),
                 to_json(MonitorEvent{1, {{"backbone", {.eff_rank = 12.5}}}, "healthy"}),
                 to_json(EpochEvent{1, 5.25, {}}),
                 to_json(MonitorEvent{2, {{"backbone", {.eff_rank = 31.5}}}, "healthy"}),
                 to_json(EvalEvent{2, 0.412, 1000, {}, {}})};
  const NamedRun unmeasured{.name = "läuft"};
  EXPECT_EQ(
      run_table({moco, unmeasured}),
      "| run   | epochs | loss, first epoch | loss, last epoch | kNN top-1 | untrained | raw pixels | eff_rank |\n"
      "|-------|-------:|------------------:|-----------------:|----------:|----------:|-----------:|---------:|\n"
      "| moco  |      2 |              5.50 |             5.25 |     41.2% |     30.2% |      37.4% |     31.5 |\n"
      "| läuft |      0 |                 – |                – |         – |         – |          – |        – |\n");
}

}  // namespace
}  // namespace minissl
