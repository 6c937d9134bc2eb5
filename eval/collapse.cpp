#include "eval/collapse.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "tensor/eigen.h"

namespace minissl {
namespace {

double mean_std(const Matrix<double>& x) {
  const Eigen::RowVectorXd mean = x.colwise().mean();
  const Eigen::RowVectorXd variance = (x.rowwise() - mean).colwise().squaredNorm() / static_cast<double>(x.rows() - 1);
  return variance.cwiseSqrt().mean();
}

double effective_rank(const Matrix<double>& x) {
  const Eigen::RowVectorXd mean = x.colwise().mean();
  const Matrix<double> centred = x.rowwise() - mean;
  // Singular values from the smaller of the two Gram matrices.
  const Eigen::MatrixXd gram = x.rows() < x.cols() ? Eigen::MatrixXd(centred * centred.transpose())
                                                   : Eigen::MatrixXd(centred.transpose() * centred);
  const Eigen::VectorXd eigenvalues =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(gram, Eigen::EigenvaluesOnly).eigenvalues();
  // An eigenvalue below the rounding error of the largest one is noise, which the square root would inflate.
  const double noise = std::max(0.0, eigenvalues.maxCoeff()) * 1e-12;
  const Eigen::ArrayXd singular = (eigenvalues.array() > noise).select(eigenvalues.array(), 0.0).sqrt();
  const double total = singular.sum();
  if (!(total > 0)) return 0;
  double entropy = 0;
  for (const double s : singular)
    if (s > 0) entropy -= s / total * std::log(s / total);
  return std::exp(entropy);
}

}  // namespace

CollapseMetrics collapse_metrics(const Tensor& embeddings) {
  require(embeddings.rank() == 2 && embeddings.dim(0) > 1,
          "collapse metrics need at least two embeddings (N, D), not {}", embeddings);
  const Tensor in_f64 = embeddings.to(DType::f64);
  const Matrix<double> x = matrix<double>(in_f64, in_f64.dim(0), in_f64.dim(1));
  const Eigen::VectorXd norms = x.rowwise().norm();
  const Matrix<double> unit = norms.cwiseMax(1e-12).cwiseInverse().asDiagonal() * x;
  const auto n = static_cast<double>(x.rows());
  CollapseMetrics m;
  m.std = mean_std(x);
  m.mean_cos = (unit.colwise().sum().squaredNorm() - unit.squaredNorm()) / (n * (n - 1));
  m.eff_rank = effective_rank(x);
  m.std_normalized = mean_std(unit);
  m.norm = norms.mean();
  m.count = x.rows();
  m.dim = x.cols();
  return m;
}

const char* name_of(CollapseVerdict::Level level) {
  switch (level) {
    case CollapseVerdict::Level::healthy:
      return "healthy";
    case CollapseVerdict::Level::watch:
      return "watch";
    case CollapseVerdict::Level::collapsed:
      return "collapsed";
  }
  return "?";
}

CollapseVerdict judge_collapse(const std::vector<CollapseMetrics>& history) {
  require(!history.empty(), "there is nothing to judge");
  const int64_t count = history.back().count, dim = history.back().dim;
  require(count > 1 && dim > 0, "collapse can't be judged without the number and dimension of the embeddings");
  using Level = CollapseVerdict::Level;
  const CollapseMetrics& now = history.back();
  const CollapseMetrics& first = history.front();
  const auto possible = static_cast<double>(std::min(count - 1, dim));
  const double spread = relative_spread(now, dim);
  double best_rank = 0, best_spread = 0;
  for (const CollapseMetrics& m : history) {
    best_rank = std::max(best_rank, m.eff_rank);
    best_spread = std::max(best_spread, relative_spread(m, dim));
  }
  if (!std::isfinite(now.std) || !std::isfinite(now.eff_rank))
    return {Level::collapsed, "collapsed: the embeddings are not finite"};
  // An untrained network also maps all images close together. It has collapsed only if it was trained for a while or
  // its embeddings were spread before.
  if (spread < least_spread && history.size() > 1) {
    const bool early = history.size() <= 3 && best_spread < 2 * least_spread;
    return {
        early ? Level::watch : Level::collapsed,
        fmt::format("{}: all images are mapped to nearly the same direction (spread {:.3f} of 1, mean cosine {:.3f})",
                    early ? "watch" : "collapsed", spread, now.mean_cos)};
  }
  if (now.eff_rank < least_rank * possible && history.size() > 1)
    return {Level::collapsed, fmt::format("dimensional collapse: only {:.1f} of {:.0f} possible directions are in use",
                                          now.eff_rank, possible)};
  if (now.eff_rank < 0.5 * best_rank)
    return {Level::watch,
            fmt::format("watch: the effective rank has fallen from {:.0f} to {:.0f}", best_rank, now.eff_rank)};
  if (spread < 0.5 * best_spread)
    return {Level::watch,
            fmt::format("watch: the directions' spread has fallen from {:.2f} to {:.2f}", best_spread, spread)};
  if (now.std < 0.5 * first.std && now.norm < 0.5 * first.norm)
    return {Level::healthy, fmt::format("healthy: the std has fallen from {:.3f} to {:.3f} only because the norms have "
                                        "shrunk (from {:.2f} to {:.2f}); directions are still spread",
                                        first.std, now.std, first.norm, now.norm)};
  return {Level::healthy,
          fmt::format("healthy: spread {:.2f} of 1, effective rank {:.0f} of {:.0f}", spread, now.eff_rank, possible)};
}

std::optional<CollapseVerdict> judge_targets(const TargetMetrics& now, size_t looks) {
  if (now.outputs < 2 || std::isnan(now.entropy) || std::isnan(now.kl)) return std::nullopt;
  using Level = CollapseVerdict::Level;
  const double most = std::log(static_cast<double>(now.outputs)), none = least_information * most;
  const bool uniform = now.entropy > most - none, one_hot = now.entropy < none;
  const std::string figures = fmt::format("entropy {:.3f} of at most {:.3f}, divergence from the predictions {:.3f}",
                                          now.entropy, most, now.kl);
  if (now.kl > none || !(uniform || one_hot))
    return CollapseVerdict{Level::healthy, fmt::format("healthy: {} has {}", now.what, figures)};
  // An untrained network maps all images close together, and centring makes a uniform target of that.
  const bool early = looks <= 3;
  return CollapseVerdict{early ? Level::watch : Level::collapsed,
                         fmt::format("{}: {} is {} for every image ({}); {}", early ? "watch" : "collapsed", now.what,
                                     uniform ? "uniform" : "the same single dimension", figures,
                                     uniform ? now.if_uniform : now.if_one_hot)};
}

}  // namespace minissl
