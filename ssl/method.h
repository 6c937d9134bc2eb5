#pragma once
#include <string>
#include <vector>

#include "data/batch.h"
#include "nn/arena.h"
#include "nn/backbone.h"
#include "nn/optimizer.h"
#include "ssl/step_log.h"

namespace minissl {

class VarianceTerm;

/// Where a run stands. One optimizer step may see several accumulated batches.
struct StepPosition {
  int64_t step = 0;             ///< optimizer steps done before this one
  int64_t total_steps = 1;      ///< of the whole run
  int64_t steps_per_epoch = 1;  ///< optimizer steps

  /// The epoch that the step is in, from 0.
  int64_t epoch() const { return step / steps_per_epoch; }
};

/// What an encoder makes of images, at one place in it: (N, D).
struct Space {
  std::string name;  ///< "backbone", "projection"
  Tensor rows;
};

/// A way of pretraining. ssl/step/step.h has the order in which a training step calls these functions; on a GPU its
/// second and later steps are CUDA graphs, which repeat what was recorded: what changes from step to step has to be on
/// the device.
/// A new method is one file with a class like ssl/methods/simsiam.h and a line in registry.cpp.
class Method : public Module {
 public:
  // What the method sees
  /// Views of `size` pixels for each image: two alike, unless a method says otherwise.
  virtual std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const {
    return {{.count = 2, .size = size, .augmentation = augmentation}};
  }
  /// What it needs of each batch besides the views: permutations, masks, noise.
  virtual DrawnTensors draw(const BatchDraw& /*from*/) const { return {}; }
  /// Both of them, for a loader. The method must outlive it.
  BatchRequest request(const Augmentation& augmentation, int64_t size) const;
  /// Throws Error when a data set of this size in batches of this size can't train the method; returns a warning
  /// for what is possible but unwise, or nothing.
  virtual std::string check_data(int64_t images, int64_t batch) const;

  // A training step
  /// On the host, before the step: writes what changes from step to step, such as a momentum, to the device.
  virtual void begin(const StepPosition& /*position*/) {}
  /// On the device, before the step's first batch.
  virtual void before_batches() {}
  /// The loss (1) of a batch, in training mode.
  virtual Variable loss(const Batch& batch, StepLog& log) = 0;
  /// After a batch's gradients are there.
  virtual void after_backward() {}
  /// Another number whenever a step consists of other operations than before: CUDA graphs are then recorded again.
  virtual uint64_t form() const { return 0; }

  // What is learned
  /// What the optimizer learns.
  virtual ParameterArena& online() = 0;
  /// How a parameter of online() is updated, compared with the others. Asked for before each step.
  virtual ParameterRule rule(const std::string& /*name*/, const Shape& /*shape*/) const { return {}; }
  ParameterRules rules() const {
    return [this](const std::string& name, const Shape& shape) { return rule(name, shape); };
  }
  /// What follows online() in the optimizer's update.
  virtual Follower follower() { return {}; }

  // What comes of it
  /// Of images on any device, in evaluation mode, nothing recorded. The first space is the backbone's features.
  virtual std::vector<Space> embed(const Tensor& images) = 0;
  /// The network that is kept after pretraining.
  virtual Backbone& backbone() = 0;
  /// Groups of a batch that are normalised on their own (Backbone::batch_groups).
  int64_t batch_groups() const { return const_cast<Method*>(this)->backbone().batch_groups(); }
  /// Where the method is, and where its views must be.
  Device device() { return online().values().device(); }
  /// The variance term of its loss, whose weight may change during a run; null for a method without one.
  virtual VarianceTerm* variance_term() { return nullptr; }
};

}  // namespace minissl
