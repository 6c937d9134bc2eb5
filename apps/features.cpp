#include "apps/features.h"

#include <algorithm>

#include "tensor/eigen.h"

namespace minissl {
namespace {

/// Rows that come in batches, `most` of them at most. They get their place at once: put together at the end, raw pixels
/// of a data set would be there twice.
class RowStack {
 public:
  explicit RowStack(int64_t most) : most_(most) {}
  void append(const Tensor& batch) {
    if (!batch.defined()) return;
    if (!rows_.defined()) rows_ = Tensor::empty({most_, batch.dim(1)});
    rows_.rows(count_, count_ + batch.dim(0)).copy_from(batch.to(DType::f32).to(Device{}));
    count_ += batch.dim(0);
  }
  /// Undefined when nothing was appended.
  Tensor rows() const { return rows_.defined() ? rows_.rows(0, count_) : rows_; }

 private:
  int64_t most_, count_ = 0;
  Tensor rows_;
};

}  // namespace

Features extract_features(const Dataset& dataset, const LoaderOptions& options, const EmbedFunction& embed,
                          std::vector<BadFile>* bad_files, const std::function<void(int64_t)>& progress) {
  EvaluationLoader loader(dataset, options);
  Features features;
  RowStack backbone(dataset.size()), projection(dataset.size());
  while (auto batch = loader.next()) {
    const Embedding e = embed(batch->images);
    backbone.append(e.backbone);
    projection.append(e.projection);
    features.labels.insert(features.labels.end(), batch->labels.begin(), batch->labels.end());
    features.indices.insert(features.indices.end(), batch->indices.begin(), batch->indices.end());
    if (progress) progress(static_cast<int64_t>(features.indices.size()));
  }
  features.backbone = backbone.rows();
  features.projection = projection.rows();
  require(features.backbone.defined(), "not one image of the data set could be read");
  if (bad_files) *bad_files = loader.bad_files();
  return features;
}

Subset sample(const Dataset& dataset, int64_t count, uint64_t seed) {
  std::vector<int64_t> chosen = epoch_order(dataset.size(), seed, 0);
  chosen.resize(static_cast<size_t>(std::min(count, dataset.size())));
  std::sort(chosen.begin(), chosen.end());
  return {dataset, std::move(chosen)};
}

Embedding pixel_embedding(const Tensor& images) {
  Tensor pixels = images.clone().view({images.dim(0), images.numel() / images.dim(0)});
  auto rows = mutable_matrix<float>(pixels, pixels.dim(0), pixels.dim(1));
  for (int64_t n = 0; n < rows.rows(); ++n) {
    rows.row(n).array() -= rows.row(n).mean();
    rows.row(n) /= std::max(1e-12f, rows.row(n).norm());
  }
  return {pixels, {}};
}

LabelledFeatures labelled(const Dataset& train, const Features& train_features, const Dataset& test,
                          const Features& test_features, bool projection) {
  require(!train.class_names().empty(), "an evaluation needs labelled images: sub-folders are classes");
  require(train.class_names() == test.class_names(), "the classes to learn from ({}) and to test on ({}) differ",
          fmt::join(train.class_names(), ", "), fmt::join(test.class_names(), ", "));
  require(!projection || train_features.projection.defined(),
          "these weights hold a backbone only; --features projection needs a checkpoint of a run (last.safetensors)");
  const auto pick = [&](const Features& f) { return projection ? f.projection : f.backbone; };
  return {pick(train_features), train_features.labels, pick(test_features), test_features.labels,
          static_cast<int64_t>(train.class_names().size())};
}

}  // namespace minissl
