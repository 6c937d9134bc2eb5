#include "data/white_level.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "data/dataset.h"
#include "data/image_statistics.h"
#include "tensor/parallel.h"
#include "tensor/threads.h"

namespace minissl {

void LevelCounts::add(std::span<const uint16_t> values) {
  total_ += static_cast<int64_t>(values.size());
  for (size_t l = 0; l < white_levels.size(); ++l)
    within_[l] += std::count_if(values.begin(), values.end(), [white = white_levels[l]](int v) { return v <= white; });
}

void LevelCounts::add(const LevelCounts& other) {
  total_ += other.total_;
  for (size_t l = 0; l < within_.size(); ++l) within_[l] += other.within_[l];
}

int LevelCounts::white() const {
  if (empty()) return 0;
  for (size_t l = 0; l < white_levels.size(); ++l)
    if (1000 * (total_ - within_[l]) <= total_) return white_levels[l];
  return white_levels.back();
}

namespace {

struct Threads {
  std::vector<std::thread> started;
  ~Threads() {
    for (std::thread& thread : started) thread.join();
  }
};

}  // namespace

int white_level_of(const Dataset& dataset) {
  const std::vector<int64_t> chosen = spread_over(dataset.size(), 256);
  const auto images = static_cast<int64_t>(chosen.size());
  std::vector<LevelCounts> counts(static_cast<size_t>(images));
  std::atomic<int64_t> next{0};
  FirstException failure;
  const auto work = [&] {
    failure.guard([&] {
      for (int64_t n = next++; n < images; n = next++) {
        try {
          counts[static_cast<size_t>(n)] = dataset.levels(chosen[static_cast<size_t>(n)]);
        } catch (const OutOfMemory&) {
          throw;
        } catch (const std::bad_alloc&) {
          throw OutOfMemory("there is no memory to look for the white level of 16-bit images", 0);
        } catch (const std::exception&) {
          // Whoever loads the image reports it.
        }
      }
    });
  };
  {
    Threads threads;
    for (int64_t n = 1; n < std::min<int64_t>(allowed_threads(), images); ++n)
      threads.started.push_back(start_thread("to look at 16-bit images", work));
    work();
  }
  failure.rethrow();
  LevelCounts all;
  for (const LevelCounts& c : counts) all.add(c);
  return all.white();
}

std::string white_level_line(int white) {
  return fmt::format("16-bit images: {} becomes white (`max-value` sets another)", white);
}

}  // namespace minissl
