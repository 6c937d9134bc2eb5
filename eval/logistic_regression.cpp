#include "eval/logistic_regression.h"

#include <algorithm>
#include <cmath>
#include <lbfgs.h>
#include <memory>

#include "tensor/eigen.h"

namespace minissl {
namespace {

/// The loss that L-BFGS minimises over W followed by b, divided by the number of rows so that the stopping criterion
/// doesn't depend on it.
struct Objective {
  ConstMatrixMap<double> x;
  const std::vector<int64_t>& labels;
  int64_t classes;
  double l2;
  const FitProgress& progress;

  double operator()(const double* parameters, double* gradient) const {
    const ConstMatrixMap<double> weight(parameters, classes, x.cols());
    const Eigen::Map<const Eigen::RowVectorXd> bias(parameters + weight.size(), classes);
    Matrix<double> p = (x * weight.transpose()).rowwise() + bias;
    double loss = l2 / 2 * weight.squaredNorm();
    for (Eigen::Index i = 0; i < p.rows(); ++i) {
      const int64_t label = labels[static_cast<size_t>(i)];
      auto row = p.row(i);
      row.array() -= row.maxCoeff();
      const double of_label = row[label];
      row = row.array().exp();
      const double sum = row.sum();
      loss += std::log(sum) - of_label;
      row /= sum;
      row[label] -= 1;
    }
    const auto n = static_cast<double>(x.rows());
    MatrixMap<double>(gradient, classes, x.cols()).noalias() = (p.transpose() * x + l2 * weight) / n;
    Eigen::Map<Eigen::RowVectorXd>(gradient + weight.size(), classes) = p.colwise().sum() / n;
    return loss / n;
  }
};

// Callback for libLBFGS.
double evaluate(void* objective, const double* parameters, double* gradient, int, double) {
  return (*static_cast<const Objective*>(objective))(parameters, gradient);
}

int report(void* objective, const double*, const double*, double loss, double, double, double, int, int iteration,
           int) {
  const FitProgress& progress = static_cast<const Objective*>(objective)->progress;
  if (progress) progress(iteration, loss);
  return 0;
}

Tensor in_double(const Tensor& features) { return features.to(Device{}).to(DType::f64); }
ConstMatrixMap<double> matrix(const Tensor& t) { return minissl::matrix<double>(t, t.dim(0), t.dim(1)); }

}  // namespace

LogisticRegression::LogisticRegression(const Tensor& features, const std::vector<int64_t>& labels, int64_t classes,
                                       double l2, const FitProgress& progress)
    : weight_(Tensor::zeros({classes, features.dim(1)}, DType::f64)), bias_(Tensor::zeros({classes}, DType::f64)) {
  l2_range.check("l2", l2);
  const Tensor x = in_double(features);
  Objective objective{matrix(x), labels, classes, l2, progress};
  lbfgs_parameter_t parameters;
  lbfgs_parameter_init(&parameters);
  parameters.m = 10;
  parameters.epsilon = 1e-6;  // |gradient| <= epsilon * max(1, |parameters|)
  parameters.max_iterations = 10000;
  const auto count = static_cast<int>(weight_.numel() + classes);
  const auto release = [](double* p) { lbfgs_free(p); };
  const std::unique_ptr<double, decltype(release)> solution(lbfgs_malloc(count), release);
  require(solution != nullptr, "logistic regression: no memory for {} parameters", count);
  std::fill_n(solution.get(), count, 0.0);
  const int status = lbfgs(count, solution.get(), nullptr, evaluate, report, &objective, &parameters);
  require(status >= 0, "logistic regression did not converge (libLBFGS's status {}); a greater `l2` makes it easier",
          status);
  std::copy_n(solution.get(), weight_.numel(), weight_.mutable_data<double>());
  std::copy_n(solution.get() + weight_.numel(), classes, bias_.mutable_data<double>());
}

Tensor LogisticRegression::logits(const Tensor& features) const {
  const Tensor x = in_double(features);
  Tensor out = Tensor::empty({x.dim(0), weight_.dim(0)}, DType::f64);
  auto scores = mutable_matrix<double>(out, out.dim(0), out.dim(1));
  scores.noalias() = matrix(x) * matrix(weight_).transpose();
  scores.rowwise() += minissl::matrix<double>(bias_, 1, out.dim(1)).row(0);
  return out;
}

Tensor LogisticRegression::probabilities(const Tensor& features) const {
  Tensor out = logits(features);
  auto rows = mutable_matrix<double>(out, out.dim(0), out.dim(1));
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    auto row = rows.row(i);
    row.array() = (row.array() - row.maxCoeff()).exp();
    row /= row.sum();
  }
  return out;
}

Tensor standardize(const Tensor& features, const Tensor& reference) {
  const Tensor from = in_double(reference);
  Tensor out = in_double(features).clone();
  const Eigen::RowVectorXd mean = matrix(from).colwise().mean();
  const Eigen::RowVectorXd variance = (matrix(from).rowwise() - mean).colwise().squaredNorm() / from.dim(0);
  auto rows = mutable_matrix<double>(out, out.dim(0), out.dim(1));
  for (Eigen::Index d = 0; d < rows.cols(); ++d) {
    const double deviation = std::sqrt(variance[d]);
    // Equal numbers may have a small deviation from rounding, which counts as none.
    const double scale = deviation > 1e-12 * std::abs(mean[d]) ? 1 / deviation : 0;
    rows.col(d).array() = (rows.col(d).array() - mean[d]) * scale;
  }
  return out;
}

Accuracy linear_accuracy(const LabelledFeatures& features, double l2, const FitProgress& progress) {
  features.check("a linear classifier");
  const LogisticRegression classifier(standardize(features.train, features.train), features.train_labels,
                                      features.classes, l2, progress);
  return accuracy_of(classifier.probabilities(standardize(features.test, features.train)), features.test_labels);
}

}  // namespace minissl
