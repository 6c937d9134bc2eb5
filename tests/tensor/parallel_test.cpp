#include "tensor/parallel.h"

#include <gtest/gtest.h>
#include <new>

namespace minissl {
namespace {

TEST(Parallel, AnExceptionOfOnePartReachesTheCallerAndTheOtherPartsAreDone) {
  const int before = threads();
  set_threads(4);
  std::atomic<int> done{0};
  EXPECT_THROW(for_parts(4, 1,
                         [&](int64_t part, int64_t, int64_t) {
                           if (part == 2) throw std::bad_alloc();
                           ++done;
                         }),
               std::bad_alloc);
  EXPECT_EQ(done, 3);
  set_threads(before);
}

}  // namespace
}  // namespace minissl
