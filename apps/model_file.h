#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "apps/method_flags.h"
#include "data/augment.h"
#include "formats/safetensors.h"

namespace minissl {

/// The run that wrote a weights file, from the file's metadata. A torchvision state dict has no metadata: then the
/// fields keep their given values.
struct ModelDescription {
  NetworkFlags network;
  Normalization normalization = Normalization::imagenet(3);
  std::optional<MethodFlags> method;  ///< used for training
  uint64_t seed = 0;                  ///< of the initial weights
  int64_t epochs = 0;                 ///< number of epochs trained
  int max_value = 0;                  ///< white in the 16-bit images it was trained on; 0: it saw none
};

/// The content of a file: the backbone alone, or the whole method.
enum class Content { backbone, method };
Metadata describe(const ModelDescription& model, Content content);

/// The normalisation in a file's metadata.
Normalization read_normalization(const Metadata& metadata, int64_t channels, const std::string& where);

/// Reads it back; `otherwise` supplies values that the file lacks. Those of its flags that were given hold: another
/// size of the images is taken, another network refused. Throws Error for invalid metadata.
ModelDescription read_description(const SafetensorsReader& file, const NetworkFlags& otherwise);

/// A pretrained encoder from a file: backbone.safetensors, a checkpoint of a run, or a torchvision state dict.
class PretrainedEncoder {
 public:
  /// `dtype` is the type of its parameters. Throws Error if the file doesn't fit the network that it says it is for,
  /// before memory is taken for that network.
  PretrainedEncoder(const std::filesystem::path& path, const NetworkFlags& otherwise, DType dtype = DType::f32);
  /// The same network with its initial weights, drawn from the seed.
  static PretrainedEncoder untrained(const ModelDescription& description, DType dtype = DType::f32);

  const ModelDescription& description() const { return description_; }
  /// Whether the file has the whole method, as a run's checkpoints do.
  bool has_method() const { return method_ != nullptr; }
  /// Embeds normalised images (N, H, W, C); a backbone alone has only the space "backbone".
  std::vector<Space> embed(const Tensor& images);

 private:
  PretrainedEncoder(const SafetensorsReader& file, const NetworkFlags& otherwise, DType dtype);
  PretrainedEncoder(ModelDescription description, Content content, DType dtype);
  static ModelDescription fitting_description(const SafetensorsReader& file, const NetworkFlags& otherwise,
                                              DType dtype);
  Module& module();

  ModelDescription description_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<Backbone> backbone_;  // when there is no method
};

}  // namespace minissl
