#include "data/batch.h"

#include <algorithm>
#include <numeric>

namespace minissl {

Tensor BatchDraw::permutation(uint32_t number) const {
  const Tensor order = Tensor::empty({images}, DType::i64);
  auto* rows = order.mutable_data<int64_t>();
  std::iota(rows, rows + images, 0);
  shuffle(std::span(rows, static_cast<size_t>(images)), random(number));
  return order;
}

int64_t BatchRequest::views() const {
  return std::accumulate(groups.begin(), groups.end(), int64_t{0},
                         [](int64_t sum, const ViewGroup& group) { return sum + group.count; });
}

const ViewGroup& BatchRequest::group_of(int64_t view) const {
  for (const ViewGroup& group : groups) {
    if (view < group.count) return group;
    view -= group.count;
  }
  fail("a batch has {} views of each image, and none with the number {}", views(), view);
}

std::vector<std::string> BatchRequest::view_names() const {
  std::vector<std::string> names;
  for (const ViewGroup& group : groups)
    for (int64_t i = 1; i <= group.count; ++i)
      names.push_back(group.of_first ? group.name : group.name + std::to_string(i));
  return names;
}

Tensor Batch::find(const std::string& name) const {
  const auto found = std::find_if(drawn.begin(), drawn.end(), [&](const auto& d) { return d.first == name; });
  return found == drawn.end() ? Tensor() : found->second;
}

void BatchRequest::check() const {
  // Random distinguishes views by 8 bits.
  require(views() > 0 && views() < 256, "a batch needs 1 to 255 views of each image, not {}", views());
  for (const ViewGroup& group : groups) {
    require(group.count >= 0, "the number of {} views must not be negative, but it is {}", group.name, group.count);
    require(!group.of_first || group.count == 1, "one {} is enough of the first view's picture, not {}", group.name,
            group.count);
    require(group.size > 0 && group.size <= 8192, "`size` of a view must be 1 to 8192, not {}", group.size);
    group.augmentation.check();
  }
}

}  // namespace minissl
