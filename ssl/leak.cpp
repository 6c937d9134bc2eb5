#include "ssl/leak.h"

#include <algorithm>
#include <cmath>

#include "tensor/ops/matmul.h"
#include "tensor/ops/rows.h"

namespace minissl {
namespace {

// Concatenates the rows of several tensors.
Tensor stack(const std::vector<Tensor>& parts) {
  const Tensor& first = parts.front();
  Shape shape = first.shape();
  const int64_t rows = shape[0];
  shape[0] *= static_cast<int64_t>(parts.size());
  Tensor all = Tensor::empty(shape, first.dtype(), first.device());
  for (size_t p = 0; p < parts.size(); ++p)
    all.rows(static_cast<int64_t>(p) * rows, static_cast<int64_t>(p + 1) * rows).copy_from(parts[p]);
  return all;
}

// The share of rows of `queries` whose nearest row of `keys` has the same index; both (N, D) of unit length.
double found(const Tensor& queries, const Tensor& keys) {
  const Tensor similarity = ops::matmul(queries, keys, {.a = false, .b = true}).to(DType::f32).to(Device{});
  const int64_t n = queries.dim(0);
  int64_t hits = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto row = similarity.rows(i, i + 1).span<float>();
    if (std::max_element(row.begin(), row.end()) - row.begin() == i) ++hits;
  }
  return static_cast<double>(hits) / static_cast<double>(n);
}

}  // namespace

bool LeakMeasurement::leaks() const { return as_trained - permuted > std::max(2 * standard_error, 0.01); }

std::string LeakMeasurement::sentence() const {
  const std::string figures =
      fmt::format("a query finds its key among {} in {:.1f}% of cases, and in {:.1f}% when the keys' batches are mixed",
                  images, 100 * as_trained, 100 * permuted);
  if (leaks())
    return fmt::format("the encoder uses the batch's statistics: {}; train with `bn` split:G to take the clue away",
                       figures);
  return fmt::format("no sign that the encoder uses the batch's statistics: {} (one standard error is {:.1f} points)",
                     figures, 100 * standard_error);
}

LeakMeasurement measure_leak(MoCo& moco, const std::vector<Batch>& batches, uint64_t seed) {
  require(batches.size() > 1, "a leak shows between batches: two or more are needed");
  const NoGradScope no_grad_scope;
  const MutedEffectsScope muted_effects;
  const int64_t batch = batches[0].images(), count = static_cast<int64_t>(batches.size());
  std::vector<Tensor> queries, keys, images;
  for (const Batch& b : batches) {
    queries.push_back(moco.query(b.views[0]).value());
    keys.push_back(moco.key(b.views[1], b.find("shuffle")));
    images.push_back(b.views[1]);
  }
  const Tensor order = BatchDraw{seed, 0, batch * count}.permutation(0);
  const Tensor mixed = ops::permute_rows(stack(images), order);
  std::vector<Tensor> mixed_keys;
  for (int64_t b = 0; b < count; ++b)
    mixed_keys.push_back(
        moco.key(mixed.rows(b * batch, (b + 1) * batch), batches[static_cast<size_t>(b)].find("shuffle")));

  LeakMeasurement m;
  m.images = batch * count;
  m.batches = count;
  m.as_trained = found(stack(queries), stack(keys));
  m.permuted = found(stack(queries), ops::unpermute_rows(stack(mixed_keys), order));
  const auto variance = [&](double p) { return p * (1 - p) / static_cast<double>(m.images); };
  m.standard_error = std::sqrt(variance(m.as_trained) + variance(m.permuted));
  return m;
}

}  // namespace minissl
