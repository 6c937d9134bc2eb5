#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "formats/safetensors.h"
#include "nn/arena.h"
#include "nn/module.h"
#include "nn/optimizer.h"
#include "nn/resnet.h"
#include "ssl/momentum.h"
#include "ssl/options.h"
#include "ssl/views.h"

namespace minissl {

/// What a step shows of itself: its named tensors and the terms of its loss, under the names of the method's paper.
class StepLog {
 public:
  enum class Keep { terms, everything };
  explicit StepLog(Keep keep = Keep::terms) : keep_(keep) {}

  void tensor(const std::string& name, const Variable& value);
  /// A tensor that training does without: made only where everything is kept. `watched`, which holds a NaN or an
  /// infinity where it does, is looked at in its place.
  void tensor_to_inspect(const std::string& name, const Tensor& watched, const std::function<Tensor()>& make);
  /// A term of the loss, before its weight.
  void term(const std::string& name, const Variable& value);

  const NamedTensors& tensors() const { return tensors_; }
  /// The terms (1), on the device.
  const NamedTensors& terms() const { return terms_; }
  /// Of everything that was logged, in that order, f64 (1) on the device: finite where all its elements are.
  const NamedTensors& squared_norms() const { return squared_norms_; }

 private:
  void watch(const std::string& name, const Tensor& value);

  Keep keep_;
  NamedTensors terms_, squared_norms_, tensors_;
};

/// What an encoder makes of images: the backbone's features and what the loss sees of them, (N, D) each.
struct Embedding {
  Tensor backbone, projection;
};

/// A way of pretraining. One training step (ssl/training_step.h) is
///   set_position -> before_step -> (loss -> backward -> after_backward) for each accumulated batch -> optimizer on
///   online(), and on follower() with it.
/// On a GPU all but the first are recorded once and repeated: what changes from step to step is on the device.
/// A new method is one file with a class like ssl/simsiam.h and a line in registry.cpp.
class Method : public Module {
 public:
  /// Throws Error for options that make no sense.
  explicit Method(const SharedOptions& options);

  /// Says which step comes.
  virtual void set_position(const StepPosition& /*position*/) {}
  virtual void before_step() {}
  /// The loss (1) of two views of the same images, in training mode.
  virtual Variable loss(const Views& views, StepLog& log) = 0;
  /// After a batch's gradients are there.
  virtual void after_backward() {}

  /// What the optimizer learns.
  virtual ParameterArena& online() = 0;
  /// How a parameter of online() is updated, compared with the others; asked for before each step.
  virtual ParameterRule rule(const std::string& /*name*/, const Shape& /*shape*/) const { return {}; }
  ParameterRules rules() const {
    return [this](const std::string& name, const Shape& shape) { return rule(name, shape); };
  }
  /// What follows online() after the optimizer's step.
  virtual Follower follower() { return {}; }
  /// Where the method is, and where its views must be.
  Device device() { return online().values().device(); }
  /// Of images on any device, in evaluation mode, nothing recorded.
  virtual Embedding embed(const Tensor& images) = 0;
  /// The network that is kept after pretraining.
  virtual ResNet& backbone() = 0;
  /// Throws Error when a data set of this size in batches of this size can't train the method; returns a warning
  /// for what is possible but unwise, or nothing.
  virtual std::string check_data(int64_t images, int64_t batch) const;

  /// The variance term may be turned on in the middle of a run, against collapse.
  double variance_weight() const { return variance_weight_; }
  void set_variance_weight(double weight) { variance_weight_ = weight; }

 protected:
  /// The loss plus the weighted variance term of raw projections (N, dim), the mean over the views; as it is when the
  /// weight is 0.
  Variable with_variance(const Variable& loss, const Variable& z1, const Variable& z2, StepLog& log) const;

 private:
  int64_t bn_groups_;
  double variance_weight_;
};

}  // namespace minissl
