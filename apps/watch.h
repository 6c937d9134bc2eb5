#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "apps/features.h"
#include "apps/run/metrics_log.h"
#include "eval/collapse.h"
#include "eval/knn.h"
#include "ssl/method.h"

namespace minissl {

/// The collapse monitor of a run: embeds the same sample of the data at every look and judges it in the light of the
/// earlier ones.
class CollapseWatch {
 public:
  /// `dataset` must outlive it.
  CollapseWatch(const Dataset& dataset, int64_t samples, const LoaderOptions& options);

  /// Goes on after the looks of a run's log.
  void restore(const std::vector<Json>& events);

  struct Look {
    MonitorEvent event;
    CollapseVerdict::Level level;  ///< of the worst space
  };
  /// `epoch`: epochs done.
  Look look(Method& method, int64_t epoch);

 private:
  std::vector<CollapseMetrics>& looks_at(const std::string& space);

  Subset sample_;
  LoaderOptions options_;
  /// The looks so far at each space.
  std::vector<std::pair<std::string, std::vector<CollapseMetrics>>> history_;
};

/// The kNN accuracy of a run's features from one labelled data set to another, beside what it has to beat: the
/// untrained network and raw pixels, which the first look measures.
class KnnWatch {
 public:
  KnnWatch(std::unique_ptr<Dataset> train, std::unique_ptr<Dataset> test, const LoaderOptions& options,
           const KnnOptions& knn, std::string space);

  int64_t images() const { return train_->size() + test_->size(); }
  void restore(const std::vector<Json>& events);
  /// `epoch`: epochs done.
  EvalEvent look(Method& method, int64_t epoch);

 private:
  /// `test_images`: set to how many the accuracy is a share of.
  double top1(const LoaderOptions& options, const EmbedFunction& embed, const std::string& space,
              int64_t& test_images) const;

  std::unique_ptr<Dataset> train_, test_;
  LoaderOptions options_;
  KnnOptions knn_;
  std::string space_;
  std::optional<double> untrained_, pixels_;
};

}  // namespace minissl
