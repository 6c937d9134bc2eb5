#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace minissl {

/// The nearest of some images: sets `order` to the numbers of the `count` largest of `images` similarities, in
/// descending order. Ties go to the earlier image, so that the result doesn't depend on the standard library's sort.
inline void sort_nearest(const float* similarity, int64_t images, int64_t count, std::vector<int64_t>& order) {
  order.resize(static_cast<size_t>(images));
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [similarity](int64_t a, int64_t b) {
    return similarity[a] != similarity[b] ? similarity[a] > similarity[b] : a < b;
  });
  order.resize(static_cast<size_t>(count));
}

}  // namespace minissl
