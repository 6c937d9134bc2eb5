#include "apps/features.h"

#include <algorithm>

#include "apps/stop_requests.h"
#include "tensor/eigen.h"

namespace minissl {
namespace {

/// Collects up to `most` rows from batches in preallocated memory. Concatenating at the end would hold the raw pixels
/// of a data set in memory twice.
class RowStack {
 public:
  explicit RowStack(int64_t most) : most_(most) {}
  void append(const Tensor& batch) {
    if (!rows_.defined()) rows_ = Tensor::empty({most_, batch.dim(1)});
    rows_.rows(count_, count_ + batch.dim(0)).copy_from(batch);
    count_ += batch.dim(0);
  }
  Tensor rows() const { return rows_.rows(0, count_); }

 private:
  int64_t most_, count_ = 0;
  Tensor rows_;
};

}  // namespace

Tensor Features::find(const std::string& space) const {
  const auto found = std::find_if(spaces.begin(), spaces.end(), [&](const Space& s) { return s.name == space; });
  return found == spaces.end() ? Tensor() : found->rows;
}

void for_each_feature_batch(const Dataset& dataset, const LoaderOptions& options, const EmbedFunction& embed,
                            std::vector<BadFile>* bad_files, const FeatureSink& sink) {
  EvaluationLoader loader(dataset, options);
  bool any = false;
  while (auto batch = loader.next()) {
    stop_if_requested();
    Features features{{}, batch->labels, batch->indices};
    for (const Space& space : embed(batch->images)) {
      const Tensor rows = space.rows.to(DType::f32).to(Device{});
      if (const int64_t row = first_row_not_finite(rows); row >= 0)
        fail(
            "{}: the encoder's {} features of this image are not finite; check the weights (they may be of a run that "
            "diverged: use an earlier checkpoint) and the precision",
            dataset.name(batch->indices[static_cast<size_t>(row)]), space.name);
      features.spaces.push_back({space.name, rows});
    }
    any = true;
    sink(features);
  }
  require(any, "not one image of the data set could be read");
  if (bad_files) *bad_files = loader.bad_files();
}

Features extract_features(const Dataset& dataset, const LoaderOptions& options, const EmbedFunction& embed,
                          std::vector<BadFile>* bad_files, const std::function<void(int64_t)>& progress) {
  Features all;
  std::vector<RowStack> rows;
  for_each_feature_batch(dataset, options, embed, bad_files, [&](const Features& batch) {
    for (size_t i = 0; i < batch.spaces.size(); ++i) {
      if (i == rows.size()) {
        rows.emplace_back(dataset.size());
        all.spaces.push_back({batch.spaces[i].name, {}});
      }
      rows[i].append(batch.spaces[i].rows);
    }
    all.labels.insert(all.labels.end(), batch.labels.begin(), batch.labels.end());
    all.indices.insert(all.indices.end(), batch.indices.begin(), batch.indices.end());
    if (progress) progress(static_cast<int64_t>(all.indices.size()));
  });
  for (size_t i = 0; i < rows.size(); ++i) all.spaces[i].rows = rows[i].rows();
  return all;
}

Subset sample(const Dataset& dataset, int64_t count, uint64_t seed) {
  std::vector<int64_t> chosen = epoch_order(dataset.size(), seed, 0);
  chosen.resize(static_cast<size_t>(std::min(count, dataset.size())));
  std::sort(chosen.begin(), chosen.end());
  // Shares the data set without owning it.
  return {std::shared_ptr<const Dataset>(std::shared_ptr<void>(), &dataset), std::move(chosen)};
}

std::vector<Space> pixel_embedding(const Tensor& images) {
  Tensor pixels = images.clone().view({images.dim(0), images.numel() / images.dim(0)});
  auto rows = mutable_matrix<float>(pixels, pixels.dim(0), pixels.dim(1));
  for (int64_t n = 0; n < rows.rows(); ++n) {
    rows.row(n).array() -= rows.row(n).mean();
    rows.row(n) /= std::max(1e-12f, rows.row(n).norm());
  }
  return {{"pixels", pixels}};
}

Tensor required_space(const Features& features, const std::string& space) {
  Tensor rows = features.find(space);
  require(rows.defined(),
          "these weights have no {} features; those after the backbone need a checkpoint of a run (last.safetensors)",
          space);
  return rows;
}

LabelledFeatures labelled(const Dataset& train, const Features& train_features, const Dataset& test,
                          const Features& test_features, const std::string& space) {
  require(!train.class_names().empty(), "an evaluation needs labelled images: sub-folders are classes");
  require(train.class_names() == test.class_names(), "the classes to learn from ({}) and to test on ({}) differ",
          fmt::join(train.class_names(), ", "), fmt::join(test.class_names(), ", "));
  return {required_space(train_features, space), train_features.labels, required_space(test_features, space),
          test_features.labels, static_cast<int64_t>(train.class_names().size())};
}

}  // namespace minissl
