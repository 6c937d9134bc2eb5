#include "eval/few_shot.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "eval/logistic_regression.h"
#include "eval/rows.h"
#include "tensor/random.h"

namespace minissl {
namespace {

using Rows = std::vector<int64_t>;

/// `count` of the rows, drawn without replacement.
Rows draw(Rows rows, int64_t count, const Random& random) {
  shuffle(std::span(rows), random);
  rows.resize(static_cast<size_t>(count));
  return rows;
}

// `t95` is student_t95(aucs.size() - 1).
FewShotAuc summary(const std::vector<double>& aucs, double t95) {
  if (aucs.empty()) return {std::numeric_limits<double>::quiet_NaN(), std::nullopt};
  const auto n = static_cast<double>(aucs.size());
  FewShotAuc result;
  for (const double auc : aucs) result.mean += auc / n;
  if (aucs.size() > 1) {
    double squares = 0;
    for (const double auc : aucs) squares += (auc - result.mean) * (auc - result.mean);
    result.half_width = t95 * std::sqrt(squares / (n - 1) / n);
  }
  return result;
}

}  // namespace

double student_t95(int64_t freedom) {
  // T = sqrt(freedom) tan(angle), and angle has a density proportional to cos^(freedom - 1) in (-pi/2, pi/2).
  // Integrates it by the midpoint rule until it reaches 95% of the whole.
  const auto n = static_cast<double>(freedom);
  const double whole = std::sqrt(std::numbers::pi) * std::exp(std::lgamma(n / 2) - std::lgamma((n + 1) / 2));
  constexpr int steps = 200000;
  constexpr double width = std::numbers::pi / 2 / steps;
  double inside = 0;
  for (int i = 0; i < steps; ++i) {
    const double part = 2 * width * std::pow(std::cos((i + 0.5) * width), n - 1);
    if (inside + part >= 0.95 * whole) return std::sqrt(n) * std::tan((i + (0.95 * whole - inside) / part) * width);
    inside += part;
  }
  return 0;  // not reached: the interval holds the whole integral
}

void FewShotOptions::check_shots(const std::vector<int64_t>& shots) {
  require(!shots.empty(), "`shots` needs numbers such as 1,5,10");
  for (const int64_t number : shots) {
    shots_range.check("shots", number);
    require(std::count(shots.begin(), shots.end(), number) == 1, "`shots` has {} more than once", number);
  }
}

void require_shots(const std::vector<int64_t>& train_labels, const std::vector<int64_t>& test_labels,
                   const std::vector<std::string>& class_names, const std::vector<int64_t>& shots) {
  FewShotOptions::check_shots(shots);
  const int64_t most = *std::max_element(shots.begin(), shots.end());
  for (size_t c = 0; c < class_names.size(); ++c) {
    const auto of_class = [&](const std::vector<int64_t>& labels) {
      return std::count(labels.begin(), labels.end(), static_cast<int64_t>(c));
    };
    const int64_t images = of_class(train_labels), others = static_cast<int64_t>(train_labels.size()) - images;
    require(std::min(images, others) >= most,
            "`shots` {}: there are {} images of {} to learn from, and {} of other classes", most, images,
            class_names[c], others);
    const int64_t positives = of_class(test_labels);
    require(positives > 0 && positives < static_cast<int64_t>(test_labels.size()),
            "an AUC needs test images of {} and of other classes", class_names[c]);
  }
}

std::vector<std::vector<FewShotAuc>> few_shot_auc(const LabelledFeatures& features, const FewShotOptions& options,
                                                  const std::function<void(int64_t)>& progress) {
  features.check("a few-shot probe");
  const auto column = [](const std::vector<int64_t>& labels, int64_t c) {
    std::vector<int8_t> of_class;
    for (const int64_t label : labels) of_class.push_back(label == c);
    return of_class;
  };
  MultiLabelFeatures one_versus_rest{features.train, features.test, {}};
  for (int64_t c = 0; c < features.classes; ++c)
    one_versus_rest.labels.push_back({{}, column(features.train_labels, c), column(features.test_labels, c)});
  return few_shot_auc(one_versus_rest, options, progress);
}

std::vector<std::vector<FewShotAuc>> few_shot_auc(const MultiLabelFeatures& features, const FewShotOptions& options,
                                                  const std::function<void(int64_t)>& progress) {
  features.check("a few-shot probe");
  FewShotOptions::check_shots(options.shots);
  FewShotOptions::repeats_range.check("repeats", options.repeats);
  const Tensor train = standardize(features.train, features.train), test = standardize(features.test, features.train);

  const double t95 = options.repeats > 1 ? student_t95(options.repeats - 1) : 0;
  std::vector<std::vector<FewShotAuc>> result;
  int64_t fits = 0;
  for (size_t l = 0; l < features.labels.size(); ++l) {
    const LabelColumn& label = features.labels[l];
    Rows with, without, tested;
    for (size_t i = 0; i < label.train.size(); ++i)
      if (label.train[i] >= 0) (label.train[i] == 1 ? with : without).push_back(static_cast<int64_t>(i));
    std::vector<bool> positive;
    for (size_t i = 0; i < label.test.size(); ++i)
      if (label.test[i] >= 0) tested.push_back(static_cast<int64_t>(i)), positive.push_back(label.test[i] == 1);
    const auto fewest = static_cast<int64_t>(std::min(with.size(), without.size()));
    const auto positives = std::count(positive.begin(), positive.end(), true);
    const bool has_both = positives > 0 && positives < static_cast<int64_t>(positive.size());

    std::vector<FewShotAuc>& of_shots = result.emplace_back();
    for (const int64_t shots : options.shots) {
      std::vector<double> aucs;
      for (int64_t repeat = 0; has_both && shots <= fewest && repeat < options.repeats; ++repeat) {
        const auto random = [&](uint32_t side) {
          return Random(options.seed, RandomSite::few_shot, static_cast<uint32_t>(repeat), static_cast<uint32_t>(l),
                        side);
        };
        Rows rows = draw(with, shots, random(0));
        const Rows negatives = draw(without, shots, random(1));
        rows.insert(rows.end(), negatives.begin(), negatives.end());
        std::vector<int64_t> labels(rows.size());
        std::fill_n(labels.begin(), shots, 1);
        const Tensor logits = LogisticRegression(gather_rows(train, rows), labels, 2, options.l2).logits(test);
        const auto* logit = logits.data<double>();
        std::vector<double> scores;
        for (const int64_t i : tested) scores.push_back(logit[2 * i + 1] - logit[2 * i]);
        aucs.push_back(roc_auc(scores, positive));
        if (progress) progress(++fits);
      }
      of_shots.push_back(summary(aucs, t95));
    }
  }
  return result;
}

}  // namespace minissl
