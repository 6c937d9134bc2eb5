#include "apps/step_profile.h"

#include <gtest/gtest.h>

namespace minissl {
namespace {

TEST(StepProfile, SumsOperationsAndSaysWhatIsBetweenThem) {
  const std::vector<Profile::Event> events{{"matmul", "[2, 3]", 0, 0.010, 4e9, 1000},
                                           {"matmul", "[5, 6]", 0.01, 0.030, 8e9, 1000},
                                           {"add", "[2, 3]", 0.05, 0.020, 0, 200'000'000}};
  EXPECT_EQ(profile_table(events, 0.080, 2),
            "  ms/step share%  calls   GFLOP/s    GB/s  operation\n"
            "    20.00   50.0      1       300       0  matmul\n"
            "    10.00   25.0      0                10  add\n"
            "    10.00   25.0      0                    (between operations)\n"
            "\n"
            "  ms/step share%  calls   GFLOP/s    GB/s  operation and shapes\n"
            "    15.00   37.5      0       267       0  matmul [5, 6]\n"
            "    10.00   25.0      0                10  add [2, 3]\n"
            "     5.00   12.5      0       400       0  matmul [2, 3]\n");
}

}  // namespace
}  // namespace minissl
