#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"
#include "tensor/options.h"

namespace minissl {

/// A network that maps images to features; it is kept after pretraining. Its parameters are named as in PyTorch
/// (torchvision, timm).
class Backbone : public Module {
 public:
  /// D, the number of features per image.
  virtual int64_t features() const = 0;
  /// Images (N, H, W, channels) to features (N, D).
  virtual Variable forward(const Variable& images) = 0;
  /// The feature maps of every stage, (N, H, W, C) each, finest first. With `kept`, i64 (N, K), only these cells of the
  /// images are visible, numbered row by row on the grid of the last stage. Hidden cells are zero in every map and
  /// don't affect the visible ones, through convolutions or through statistics. Throws Error for a network that can't
  /// hide cells.
  virtual std::vector<Variable> maps(const Variable& images, const Tensor& kept = {}) = 0;
  /// The side, in pixels, of the cells that maps() can hide: that of the image over that of the last map. 0: the
  /// network can't hide cells.
  virtual int64_t cell_size() const { return 0; }
  /// The channels of each map.
  virtual std::vector<int64_t> map_channels() const = 0;
  /// The number of groups G into which training divides a batch, each with its own statistics: image n is in group n
  /// mod G. The batch must then be a multiple of G, with at least two images per group.
  virtual int64_t batch_groups() const { return 1; }
};

class SafetensorsReader;

/// A backbone before construction: its options, and the images it takes.
class BackboneConfig {
 public:
  int64_t channels = 3;  ///< of the images
  int64_t size = 224;    ///< side of the square images

  virtual ~BackboneConfig() = default;
  /// Visits the family's options.
  virtual void visit(OptionVisitor& visitor) = 0;
  /// Throws Error for options that make no sense.
  virtual std::unique_ptr<Backbone> make() const = 0;
  virtual std::unique_ptr<BackboneConfig> clone() const = 0;
  /// Takes over what the names of the tensors in a backbone's file say about it, and the options don't.
  virtual void adapt_to(const SafetensorsReader& /*file*/) {}

 protected:
  BackboneConfig() = default;
  BackboneConfig(const BackboneConfig&) = default;
  BackboneConfig& operator=(const BackboneConfig&) = default;
};

/// A backbone under its --arch name on the command line.
struct BackboneEntry {
  std::string name;
  std::function<std::unique_ptr<BackboneConfig>()> config;  ///< with the defaults
};

/// All backbones: those in nn/backbones, and any that a program has added.
const std::vector<BackboneEntry>& backbones();
/// Throws Error, listing the known names, for an unknown one.
const BackboneEntry& find_backbone(const std::string& name);
/// Adds one; call it before any command is parsed. Throws Error if the name is taken.
void add_backbone(BackboneEntry entry);

}  // namespace minissl
