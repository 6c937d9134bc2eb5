#include "ssl/knn.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/ops/matmul.h"
#include "tensor/ops/rows.h"
#include "tensor/parallel.h"

namespace minissl {

Accuracy knn_accuracy(const Tensor& train, const std::vector<int64_t>& train_labels, const Tensor& test,
                      const std::vector<int64_t>& test_labels, int64_t classes, const KnnOptions& options) {
  require(train.dim(0) > 0 && test.dim(0) > 0,
          "k nearest neighbours need labelled images to learn from and to test on");
  require(train.dim(1) == test.dim(1), "features {} and {} don't fit", train.str(), test.str());
  require(options.k > 0 && options.temperature > 0, "--k and --temperature must be above 0");
  const auto out_of_range = [&](int64_t label) { return label < 0 || label >= classes; };
  require(std::none_of(train_labels.begin(), train_labels.end(), out_of_range) &&
              std::none_of(test_labels.begin(), test_labels.end(), out_of_range),
          "k nearest neighbours need a label for every image");
  const Tensor train_unit = ops::normalize(train.to(DType::f32)), test_unit = ops::normalize(test.to(DType::f32));
  const int64_t k = std::min(options.k, train.dim(0));
  std::vector<int64_t> predicted(static_cast<size_t>(test.dim(0)));
  constexpr int64_t block = 256;  // test images at a time: similarities to all of a large data set don't fit
  for (int64_t begin = 0; begin < test.dim(0); begin += block) {
    const int64_t end = std::min(test.dim(0), begin + block);
    const Tensor similarity = ops::matmul(test_unit.rows(begin, end), train_unit, {false, true}).to(Device{});
    parallel_for(end - begin, 1, [&](int64_t first, int64_t last) {
      std::vector<int64_t> order(static_cast<size_t>(train.dim(0)));
      std::vector<double> votes(static_cast<size_t>(classes));
      for (int64_t i = first; i < last; ++i) {
        const float* row = similarity.data<float>() + i * train.dim(0);
        std::iota(order.begin(), order.end(), 0);
        // Ties go to the earlier image, so that the result doesn't depend on the library's sort.
        std::partial_sort(order.begin(), order.begin() + k, order.end(),
                          [row](int64_t a, int64_t b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
        std::fill(votes.begin(), votes.end(), 0.0);
        for (int64_t j = 0; j < k; ++j) {
          const int64_t neighbour = order[static_cast<size_t>(j)];
          votes[static_cast<size_t>(train_labels[static_cast<size_t>(neighbour)])] +=
              std::exp((row[neighbour] - 1) / options.temperature);
        }
        predicted[static_cast<size_t>(begin + i)] = std::max_element(votes.begin(), votes.end()) - votes.begin();
      }
    });
  }
  std::vector<double> right(static_cast<size_t>(classes)), all(static_cast<size_t>(classes));
  for (size_t i = 0; i < predicted.size(); ++i) {
    const auto label = static_cast<size_t>(test_labels[i]);
    ++all[label];
    if (predicted[i] == test_labels[i]) ++right[label];
  }
  Accuracy accuracy;
  accuracy.top1 = std::accumulate(right.begin(), right.end(), 0.0) / static_cast<double>(predicted.size());
  for (size_t c = 0; c < right.size(); ++c) accuracy.per_class.push_back(right[c] / all[c]);
  return accuracy;
}

}  // namespace minissl
