#pragma once
#include <string>
#include <utility>
#include <vector>

#include "nn/arena.h"
#include "nn/module.h"
#include "nn/resnet.h"

namespace minissl {

/// What a step shows of itself: its named tensors and the terms of its loss, under the names of the method's paper.
class StepLog {
 public:
  enum class Keep { terms, everything };
  explicit StepLog(Keep keep = Keep::terms) : keep_(keep) {}

  void tensor(const std::string& name, const Variable& value);
  /// A term of the loss, before its weight.
  void term(const std::string& name, const Variable& value);

  const std::vector<std::pair<std::string, double>>& terms() const { return terms_; }
  const std::vector<std::pair<std::string, Tensor>>& tensors() const { return tensors_; }
  /// The first thing logged that held a NaN or an infinity; empty when there was none.
  const std::string& first_not_finite() const { return first_not_finite_; }

 private:
  void watch(const std::string& name, const Tensor& value);

  Keep keep_;
  std::vector<std::pair<std::string, double>> terms_;
  std::vector<std::pair<std::string, Tensor>> tensors_;
  std::string first_not_finite_;
};

/// What an encoder makes of images: the backbone's features and what the loss sees of them, (N, D) each.
struct Embedding {
  Tensor backbone, projection;
};

/// A way of pretraining. One training step is
///   before_step -> (loss -> backward -> after_backward) for each accumulated batch -> optimizer on online().
class Method : public Module {
 public:
  virtual void before_step() {}
  /// The loss (1) of two views (N, H, W, C) of the same images, in training mode.
  virtual Variable loss(const Tensor& view1, const Tensor& view2, StepLog& log) = 0;
  /// After a batch's gradients are there.
  virtual void after_backward() {}

  /// What the optimizer learns.
  virtual ParameterArena& online() = 0;
  /// In evaluation mode, nothing recorded.
  virtual Embedding embed(const Tensor& images) = 0;
  /// The network that is kept after pretraining.
  virtual ResNet& backbone() = 0;
  /// Throws Error when a data set of this size in batches of this size can't train the method; returns a warning
  /// for what is possible but unwise, or nothing.
  virtual std::string check_data(int64_t images, int64_t batch) const = 0;
};

}  // namespace minissl
