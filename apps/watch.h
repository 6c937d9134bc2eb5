#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "apps/evaluation_sets.h"
#include "apps/features.h"
#include "apps/run/metrics_log.h"
#include "eval/collapse.h"
#include "eval/knn.h"
#include "ssl/method.h"

namespace minissl {

inline constexpr Range monitor_samples_range{2, 0x1p32};

/// The collapse monitor of a run: embeds the same sample of the data at every look and judges it given the earlier
/// looks.
class CollapseWatch {
 public:
  /// `dataset` must outlive it.
  CollapseWatch(const Dataset& dataset, int64_t samples, const LoaderOptions& options);

  /// Restores the earlier looks from a run's log.
  void restore(const std::vector<Json>& events);

  struct Look {
    MonitorEvent event;
    CollapseVerdict::Level level;  ///< of the worst space
  };
  /// `epoch`: number of epochs done; `targets`: what the loss says since the last one (Method::targets). The
  /// first look should be at the untrained network: later ones are compared with it. Throws Stopped if a signal
  /// requests a stop meanwhile.
  Look look(const EmbedFunction& embed, double epoch, const TargetMetrics& targets = {});

 private:
  std::vector<CollapseMetrics>& looks_at(const std::string& space);

  Subset sample_;
  LoaderOptions options_;
  /// The looks so far at each space.
  std::vector<std::pair<std::string, std::vector<CollapseMetrics>>> history_;
};

/// The kNN accuracy of a run's features, trained on one labelled data set and tested on another, with its baselines:
/// the untrained network and raw pixels, measured at the first look.
class KnnWatch {
 public:
  using MakeMethod = std::function<std::unique_ptr<Method>()>;

  /// `make_untrained` makes the method as it was before the run's first step.
  KnnWatch(EvaluationSets sets, const LoaderOptions& options, const KnnOptions& knn, std::string space,
           MakeMethod make_untrained);

  int64_t train_images() const { return sets_.train->size(); }
  int64_t test_images() const { return sets_.test->size(); }
  void restore(const std::vector<Json>& events);
  /// `epoch`: number of epochs done. Throws Stopped if a signal requests a stop meanwhile.
  EvalEvent look(Method& method, double epoch);

 private:
  /// Sets `test_images` to the number of images tested.
  double top1(const LoaderOptions& options, const EmbedFunction& embed, const std::string& space,
              int64_t& test_images) const;
  double top1(Method& method, int64_t& test_images) const;

  EvaluationSets sets_;
  LoaderOptions options_;
  KnnOptions knn_;
  std::string space_;
  MakeMethod make_untrained_;
  std::optional<double> untrained_, pixels_;
};

}  // namespace minissl
