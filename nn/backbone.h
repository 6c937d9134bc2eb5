#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/options.h"

namespace minissl {

/// A network that turns images into features: what is kept after pretraining. Its parameters have the names that its
/// family has in PyTorch (torchvision, timm).
class Backbone : public Module {
 public:
  /// D, the features of an image.
  virtual int64_t features() const = 0;
  /// Images (N, H, W, channels) to features (N, D).
  virtual Variable forward(const Variable& images) = 0;
  /// The feature maps of every stage, (N, H, W, C) each, the finest first. With `kept`, only some cells of the images
  /// are shown: i64 (N, K), numbers of cells on the grid of the last stage, row by row. Hidden cells are zero in every
  /// map, and nothing of them reaches the others: neither through convolutions nor through statistics. Throws Error for
  /// a network that can't hide cells.
  virtual std::vector<Variable> maps(const Variable& images, const Tensor& kept = {}) = 0;
  /// The channels of each of these.
  virtual std::vector<int64_t> map_channels() const = 0;
  /// Into how many groups training divides a batch, each with statistics of its own: image n belongs to group n mod G.
  /// The batch is then a multiple of G, with two images or more in each.
  virtual int64_t batch_groups() const { return 1; }
};

/// A backbone before it is made: its options, and the images it is for.
class BackboneConfig {
 public:
  int64_t channels = 3;  ///< of the images
  int64_t size = 224;    ///< of the square images that it is made for

  virtual ~BackboneConfig() = default;
  /// The options of its family.
  virtual void visit(OptionVisitor& visitor) = 0;
  /// Throws Error for options that make no sense.
  virtual std::unique_ptr<Backbone> make() const = 0;
  virtual std::unique_ptr<BackboneConfig> clone() const = 0;

 protected:
  BackboneConfig() = default;
  BackboneConfig(const BackboneConfig&) = default;
  BackboneConfig& operator=(const BackboneConfig&) = default;
};

/// A backbone under the name that --arch has on the command line.
struct BackboneEntry {
  std::string name;
  std::function<std::unique_ptr<BackboneConfig>()> config;  ///< with the defaults
};

/// All backbones: those of nn/backbones, and those that a program has added.
const std::vector<BackboneEntry>& backbones();
/// Throws Error, listing the known ones, for a name that is not known.
const BackboneEntry& find_backbone(const std::string& name);
/// Adds one, before any command is read. Throws Error when the name is taken.
void add_backbone(BackboneEntry entry);

}  // namespace minissl
