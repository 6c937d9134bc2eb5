#pragma once
#include <functional>
#include <optional>
#include <string>

#include "eval/accuracy.h"

namespace minissl {

struct FewShotOptions {
  std::vector<int64_t> shots = {1, 5, 10, 20, 50};  ///< images of a class, and as many that are not of it
  int64_t repeats = 10;                             ///< draws of these images
  double l2 = 1;                                    ///< as in LogisticRegression
  uint64_t seed = 0;                                ///< of the draws
};

/// An AUC over draws of the images to learn from, the test images being the same.
struct FewShotAuc {
  double mean = 0;
  std::optional<double> half_width;  ///< of the mean's 95% interval, Student's; not of one draw
};

/// [class][i]: how well a class is told from all others after being shown shots[i] images of it and as many of the
/// others, both drawn at random: logistic regression on frozen features, which are standardised by all that there are
/// to learn from (that needs no labels). `progress` is told how many of the fits are done: one for each class, number
/// of shots and draw. Throws Error for features that have nothing to say (LabelledFeatures::check), a class or its
/// complement with fewer images than shots, or shots and repeats below 1.
std::vector<std::vector<FewShotAuc>> few_shot_auc(const LabelledFeatures& features,
                                                  const std::vector<std::string>& class_names,
                                                  const FewShotOptions& options,
                                                  const std::function<void(int64_t)>& progress = {});

/// P(|T| < t) = 0.95 for Student's T with `freedom` degrees of freedom, 1 or more.
double student_t95(int64_t freedom);

}  // namespace minissl
