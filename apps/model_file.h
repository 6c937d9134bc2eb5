#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "apps/method_flags.h"
#include "data/augment.h"
#include "formats/safetensors.h"

namespace minissl {

/// What a weights file says of the run that wrote it, in its metadata. A torchvision state dict says nothing: then the
/// fields keep what they are given.
struct ModelDescription {
  NetworkFlags network;
  Normalization normalization = Normalization::imagenet(3);
  std::optional<MethodFlags> method;  ///< that it was trained with
  uint64_t seed = 0;                  ///< from which its first weights were drawn
  int64_t epochs = 0;                 ///< that it was trained for
};

/// What a file holds: the backbone alone, or the whole method.
enum class Content { backbone, method };
Metadata describe(const ModelDescription& model, Content content);

/// Reads it back; `otherwise` speaks where the file is silent. Throws Error for metadata that makes no sense.
ModelDescription read_description(const SafetensorsReader& file, const NetworkFlags& otherwise);

/// A pretrained encoder out of a file: backbone.safetensors, a checkpoint of a run, or a torchvision state dict.
class PretrainedEncoder {
 public:
  /// `dtype` is the type of its parameters.
  PretrainedEncoder(const std::filesystem::path& path, const NetworkFlags& otherwise, DType dtype = DType::f32);
  /// The same network with the weights that the run began with; drawn from its seed when no run is known.
  static PretrainedEncoder untrained(const ModelDescription& description, DType dtype = DType::f32);

  const ModelDescription& description() const { return description_; }
  /// Whether there is a whole method, as in a run's checkpoints.
  bool has_method() const { return method_ != nullptr; }
  /// Features of normalised images (N, H, W, C); of a backbone alone they are all there is.
  std::vector<Space> embed(const Tensor& images);

 private:
  PretrainedEncoder(const SafetensorsReader& file, const NetworkFlags& otherwise, DType dtype);
  PretrainedEncoder(ModelDescription description, Content content, DType dtype);

  ModelDescription description_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<Backbone> backbone_;  // when there is no method
};

}  // namespace minissl
