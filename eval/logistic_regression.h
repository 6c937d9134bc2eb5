#pragma once
#include <functional>

#include "eval/accuracy.h"
#include "tensor/range.h"

namespace minissl {

/// Receives the progress of a fit: steps taken, and the objective divided by the number of rows.
using FitProgress = std::function<void(int64_t iteration, double loss)>;

inline constexpr Range l2_range = Range::above(0);

/// Multinomial logistic regression on features (N, D), in f64: the weights W (classes, D) and biases b that minimise
///   sum_i -log softmax(W x_i + b)[y_i] + l2 / 2 * |W|^2,
/// which is convex. Matches scikit-learn's LogisticRegression(C = 1 / l2). Solved by L-BFGS (Liu and Nocedal 1989;
/// libLBFGS).
class LogisticRegression {
 public:
  /// Throws Error if l2 isn't above 0 or the minimum wasn't reached.
  LogisticRegression(const Tensor& features, const std::vector<int64_t>& labels, int64_t classes, double l2,
                     const FitProgress& progress = {});

  /// W x + b, f64 (N, classes). Only differences within a row have a meaning.
  Tensor logits(const Tensor& features) const;
  /// The softmax of each row, comparable between images.
  Tensor probabilities(const Tensor& features) const;
  const Tensor& weight() const { return weight_; }  ///< f64 (classes, D)
  const Tensor& bias() const { return bias_; }      ///< f64 (classes)

 private:
  Tensor weight_, bias_;
};

/// Standardises features, in f64, by the mean and deviation of each dimension of `reference`; a dimension without
/// deviation becomes 0. This makes the effect of l2 independent of the scale of an encoder's features.
Tensor standardize(const Tensor& features, const Tensor& reference);

/// A linear classifier on frozen features, standardised by the training set.
/// Throws Error for unusable features (LabelledFeatures::check), or if l2 isn't above 0.
Accuracy linear_accuracy(const LabelledFeatures& features, double l2, const FitProgress& progress = {});

}  // namespace minissl
