#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <random>
#include <sys/time.h>

#include "tensor/error.h"
#include "tests/torture/damage.h"
#include "tests/torture/fuzz/targets.h"

/// fuzz TARGET SEED FIRST COUNT: reads COUNT inputs from number FIRST on, each made from a seed file by one to four
/// damages. The numbers are the same on every machine. Prints the number of an input before it is read, so that the
/// last one printed is the one that ended the program; an input that takes longer than ten seconds of processor time
/// ends it as well.
namespace minissl::fuzz {
namespace {

constexpr int most_seconds = 10;

// By the processor's time: where others use the machine, an image of 100 million pixels may wait long for its memory.
void end_after(int seconds) {
  const itimerval time{{0, 0}, {seconds, 0}};
  setitimer(ITIMER_PROF, &time, nullptr);
}

int fuzz(const std::string& name, uint64_t seed, int64_t first, int64_t count) {
  const Target& chosen = target(name);
  const auto seeds = chosen.seeds();
  for (const std::string& whole : seeds) chosen.read(whole);  // a seed that is refused tests nothing
  for (int64_t i = first; i < first + count; ++i) {
    std::mt19937_64 numbers(seed * 1'000'000'007 + static_cast<uint64_t>(i));
    std::string bytes = seeds[static_cast<size_t>(numbers()) % seeds.size()];
    for (uint64_t n = 1 + numbers() % 4; n > 0; --n) torture::damage(bytes, numbers);
    fmt::print("{}\n", i);
    std::fflush(stdout);
    end_after(most_seconds);
    try_to_read(chosen, bytes);
  }
  return 0;
}

}  // namespace
}  // namespace minissl::fuzz

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: fuzz TARGET SEED FIRST COUNT\n");
    return 2;
  }
  try {
    return minissl::fuzz::fuzz(argv[1], std::stoull(argv[2]), std::stoll(argv[3]), std::stoll(argv[4]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
