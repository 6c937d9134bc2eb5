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
  std::optional<MethodFlags> method;  ///< there when the file holds a whole method, not the backbone alone
  int64_t epochs = 0;                 ///< that it was trained for
};

/// Metadata for a file of the backbone, or of the whole method: then the method's flags are in it too.
enum class Content { backbone, method };
Metadata describe(const NetworkFlags& network, const Normalization& normalization, const MethodFlags& method,
                  int64_t epochs, Content content);

/// Reads it back; `otherwise` speaks where the file is silent. Throws Error for metadata that makes no sense.
ModelDescription read_description(const SafetensorsReader& file, const NetworkFlags& otherwise);

/// A pretrained encoder out of a file: backbone.safetensors, a checkpoint of a run, or a torchvision state dict.
class PretrainedEncoder {
 public:
  /// `dtype` is the type of its parameters.
  PretrainedEncoder(const std::filesystem::path& path, const NetworkFlags& otherwise, DType dtype = DType::f32);
  /// The same networks with the weights they had before training, from `seed`.
  static PretrainedEncoder untrained(const ModelDescription& description, uint64_t seed, DType dtype = DType::f32);

  const ModelDescription& description() const { return description_; }
  /// Features of normalised images (N, H, W, C); the projection is undefined for a backbone alone.
  Embedding embed(const Tensor& images);

 private:
  PretrainedEncoder(ModelDescription description, uint64_t seed, DType dtype);

  ModelDescription description_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<ResNet> backbone_;  // when there is no method
};

}  // namespace minissl
