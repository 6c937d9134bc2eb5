#pragma once
#include <functional>
#include <optional>
#include <string>

#include "eval/accuracy.h"
#include "eval/multi_label.h"
#include "tensor/range.h"

namespace minissl {

struct FewShotOptions {
  std::vector<int64_t> shots = {1, 5, 10, 20, 50};  ///< images of a class, and equally many of other classes
  int64_t repeats = 10;                             ///< number of draws
  double l2 = 1;                                    ///< as in LogisticRegression
  uint64_t seed = 0;                                ///< of the draws

  static constexpr Range shots_range{1, 1LL << 32}, repeats_range{1, 1000000};
  /// Throws Error for numbers of shots that are out of range or the same.
  static void check_shots(const std::vector<int64_t>& shots);
};

/// AUC over repeated draws of the training images, with fixed test images.
struct FewShotAuc {
  double mean = 0;                   ///< NaN if the images are too few
  std::optional<double> half_width;  ///< of the mean's 95% Student interval; none for a single draw
};

/// [class][i]: AUC of a class versus all others after training on shots[i] images of the class and equally many others,
/// both drawn at random. Fits logistic regression on frozen features, standardised by the whole training set (which
/// needs no labels). There is no figure for a class with fewer images than shots, nor for one without test images or
/// without others. `progress` receives the number of fits done: one for each class, number of shots and draw. Throws
/// Error for unusable features (LabelledFeatures::check), or shots or repeats below 1.
std::vector<std::vector<FewShotAuc>> few_shot_auc(const LabelledFeatures& features, const FewShotOptions& options,
                                                  const std::function<void(int64_t)>& progress = {});

/// The same for each of several labels, among the images for which it is known.
std::vector<std::vector<FewShotAuc>> few_shot_auc(const MultiLabelFeatures& features, const FewShotOptions& options,
                                                  const std::function<void(int64_t)>& progress = {});

/// Throws Error, naming the class, unless each has test images and, for every number of shots, enough training images.
void require_shots(const std::vector<int64_t>& train_labels, const std::vector<int64_t>& test_labels,
                   const std::vector<std::string>& class_names, const std::vector<int64_t>& shots);

/// P(|T| < t) = 0.95 for Student's T with `freedom` degrees of freedom, 1 or more.
double student_t95(int64_t freedom);

}  // namespace minissl
