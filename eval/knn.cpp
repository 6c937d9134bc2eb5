#include "eval/knn.h"

#include <algorithm>
#include <cmath>

#include "eval/neighbours.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/rows.h"
#include "tensor/parallel.h"

namespace minissl {

void KnnOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("k", k, {1, 1LL << 40}, "neighbours; all if there are fewer");
  visitor.visit_number("temperature", temperature, Range::above(0), "temperature of the votes");
}

Accuracy knn_accuracy(const LabelledFeatures& features, const KnnOptions& options) {
  features.check("kNN");
  checked(options);
  const Tensor train = ops::normalize(features.train.to(DType::f32));
  const Tensor test = ops::normalize(features.test.to(DType::f32));
  const int64_t neighbours = train.dim(0), classes = features.classes, k = std::min(options.k, neighbours);
  const Tensor votes = Tensor::zeros({test.dim(0), classes}, DType::f64);
  for (int64_t begin = 0; begin < test.dim(0); begin += knn_block) {
    const int64_t end = std::min(test.dim(0), begin + knn_block);
    const Tensor similarity = ops::matmul(test.rows(begin, end), train, {false, true}).to(Device{});
    double* block_votes = votes.mutable_data<double>() + begin * classes;
    parallel_for(end - begin, 1, [&](int64_t first, int64_t last) {
      std::vector<int64_t> order;
      for (int64_t i = first; i < last; ++i) {
        const float* row = similarity.data<float>() + i * neighbours;
        sort_nearest(row, neighbours, k, order);
        // Votes relative to the nearest neighbour's can't all underflow. Shares are comparable between images, which
        // the AUC requires.
        const float nearest = row[order.front()];
        double all = 0;
        for (int64_t j = 0; j < k; ++j) {
          const int64_t neighbour = order[static_cast<size_t>(j)];
          const double vote = std::exp((row[neighbour] - nearest) / options.temperature);
          block_votes[i * classes + features.train_labels[static_cast<size_t>(neighbour)]] += vote;
          all += vote;
        }
        for (int64_t c = 0; c < classes; ++c) block_votes[i * classes + c] /= all;
      }
    });
  }
  return accuracy_of(votes, features.test_labels);
}

}  // namespace minissl
