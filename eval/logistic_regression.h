#pragma once
#include <functional>

#include "eval/accuracy.h"

namespace minissl {

/// Is told how a fit goes: steps taken, and the mean over the rows of what is minimised.
using FitProgress = std::function<void(int64_t iteration, double loss)>;

/// Multinomial logistic regression on features (N, D), in f64: the weights W (classes, D) and biases b that minimise
///   sum_i -log softmax(W x_i + b)[y_i] + l2 / 2 * |W|^2,
/// which is convex; scikit-learn's LogisticRegression(C = 1 / l2). Solved by L-BFGS (Liu and Nocedal 1989; libLBFGS).
class LogisticRegression {
 public:
  /// Fits it. Throws Error where l2 isn't above 0 or the minimum wasn't reached.
  LogisticRegression(const Tensor& features, const std::vector<int64_t>& labels, int64_t classes, double l2,
                     const FitProgress& progress = {});

  /// W x + b, f64 (N, classes).
  Tensor logits(const Tensor& features) const;
  const Tensor& weight() const { return weight_; }  ///< f64 (classes, D)
  const Tensor& bias() const { return bias_; }      ///< f64 (classes)

 private:
  Tensor weight_, bias_;
};

/// Features in f64 with the mean and deviation of `reference` removed, each dimension's own; one without deviation
/// becomes 0. So that how strongly l2 binds does not depend on the length of an encoder's features.
Tensor standardize(const Tensor& features, const Tensor& reference);

/// A linear classifier on frozen features, standardised by those to learn from.
/// Throws Error for features that have nothing to say (LabelledFeatures::check), or an l2 that isn't above 0.
Accuracy linear_accuracy(const LabelledFeatures& features, double l2, const FitProgress& progress = {});

}  // namespace minissl
