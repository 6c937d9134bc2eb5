#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "nn/arena.h"
#include "nn/backbone.h"
#include "nn/optimizer.h"
#include "ssl/step_log.h"

namespace minissl {

class VarianceTerm;

/// The target distributions of a loss.
struct Targets {
  int64_t outputs = 0;                           ///< K; 0: there are no such targets
  std::string what = {};                         ///< "the teacher's output"
  std::string if_uniform = {}, if_one_hot = {};  ///< what helps against a collapse to one of these
};

/// A part of a method that is kept after pretraining besides the backbone, in the file name.safetensors.
struct KeptPart {
  std::string name;
  Module* part;
};

/// A part of a method that another run has trained before.
struct GivenWeights {
  std::string option;          ///< of the method, which says the file
  std::filesystem::path file;  ///< empty: none was given
  std::string written_by;      ///< the command that writes such files
  Module* part = nullptr;
  std::string prefix = {};  ///< of the part's names in the file
};

/// The position in a run. One optimizer step may accumulate several batches.
struct StepPosition {
  int64_t step = 0;             ///< optimizer steps done before this one
  int64_t total_steps = 1;      ///< of the whole run
  int64_t steps_per_epoch = 1;  ///< optimizer steps

  /// The epoch of the step, from 0.
  int64_t epoch() const { return step / steps_per_epoch; }
};

/// An encoder's representation of images at one of its layers: (N, D).
struct Space {
  std::string name;  ///< "backbone", "projection"
  Tensor rows;
};

/// A pretraining method. See ssl/step/step.h for the order in which a training step calls these functions. On a GPU,
/// the second and later steps are CUDA graphs, which replay a recording, so values that change from step to step must
/// be on the device. A new method is one file with a class like ssl/methods/simsiam.h and a line in registry.cpp.
class Method : public Module {
 public:
  // The inputs
  /// Views of `size` pixels for each image: by default two, drawn alike.
  virtual std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const {
    return {{.count = 2, .size = size, .augmentation = augmentation}};
  }
  /// Further inputs for each batch besides the views: permutations, masks, noise. "x_key" is a key from which the
  /// device draws the many numbers "x"; a batch that is read from a file may have these themselves.
  virtual DrawnTensors draw(const BatchDraw& /*from*/) const { return {}; }
  /// Both, as a request to a loader. The method must outlive it.
  BatchRequest request(const Augmentation& augmentation, int64_t size) const;
  /// Throws Error if this number of images in batches of this size can't train the method; returns a warning if it is
  /// possible but unwise, else nothing.
  virtual std::string check_data(int64_t images, int64_t batch) const;

  // A training step
  /// On the host, before the step: writes values that change from step to step, such as a momentum, to the device.
  virtual void begin(const StepPosition& /*position*/) {}
  /// On the device, before the step's first batch.
  virtual void before_batches() {}
  /// The loss (1) of a batch, in training mode.
  virtual Variable loss(const Batch& batch, StepLog& log) = 0;
  /// After a batch's gradients have been computed.
  virtual void after_backward() {}
  /// On the device, after the last of the step's `count` batches and before the optimizer's update.
  virtual void after_batches(int64_t /*count*/) {}
  /// Changes whenever a step's operations change, in begin() at the latest; CUDA graphs are then recorded again.
  virtual uint64_t form() const { return 0; }

  // The parameters
  /// The parameters that the optimizer updates.
  virtual ParameterArena& online() = 0;
  /// The update rule of a parameter of online(). Queried before each step.
  virtual ParameterRule rule(const std::string& /*name*/, const Shape& /*shape*/) const { return {}; }
  ParameterRules rules() const {
    return [this](const std::string& name, const Shape& shape) { return rule(name, shape); };
  }
  /// What `clip-norm` bounds: the norm of all gradients together, or of each parameter's alone.
  enum class Clip { whole, each };
  virtual Clip clip() const { return Clip::whole; }
  /// The arena that follows online() in the optimizer's update.
  virtual Follower follower() { return {}; }

  // The results
  /// Embeds images, on any device, in evaluation mode without recording. The first space is the backbone's features.
  virtual std::vector<Space> embed(const Tensor& images) = 0;
  /// The network that is kept after pretraining.
  virtual Backbone& backbone() = 0;
  /// What else is kept, for other methods to use.
  virtual std::vector<KeptPart> kept_parts() { return {}; }
  /// What a run has to load before its first step; later it is in the checkpoints.
  virtual std::optional<GivenWeights> given_weights() { return std::nullopt; }
  /// Groups of a batch that are normalised separately (Backbone::batch_groups).
  int64_t batch_groups() const { return const_cast<Method*>(this)->backbone().batch_groups(); }
  /// The device of the method, where its views must also be.
  Device device() { return online().values().device(); }
  /// The targets of the loss, if they are distributions and it logs their "entropy" and their divergence from the
  /// predictions, "kl", in nats; the collapse monitor judges these.
  virtual Targets targets() const { return {}; }
  /// The loss's variance term, whose weight may change during a run; null if there is none.
  virtual VarianceTerm* variance_term() { return nullptr; }
};

}  // namespace minissl
