#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "data/augment_functions.h"
#include "data/image.h"
#include "tensor/options.h"

namespace minissl {

/// Augmentation options, named after the flags of `minissl train`. They mean the same as in torchvision
/// (RandomResizedCrop, RandomRotation, RandomHorizontalFlip, ColorJitter, RandomGrayscale, GaussianBlur,
/// RandomSolarize) and apply in this order. The defaults are MoCo v2's, adapted to radiographs.
struct Augmentation {
  std::array<float, 2> crop_scale{0.08f, 1.0f};  ///< fraction of the area; the aspect ratio is in [3/4, 4/3]
  float rotate = 10;                             ///< degrees, uniform in +-
  float flip = 0.5f;                             ///< probability of a left-right flip
  float brightness = 0.8f;                       ///< factors in [max(0, 1 - v), 1 + v], in random order
  float contrast = 0.8f;
  float saturation = 0;
  float hue = 0;             ///< turns in [-v, v], v at most 1/2
  float jitter_prob = 0.8f;  ///< probability that the four are applied at all
  float gray_prob = 0;
  float blur_prob = 0.5f;   ///< Gaussian, sigma in [0.1, 2] pixels at size 224, scaled with the size
  float noise = 0.1f;       ///< quantum noise: deviation noise * u * sqrt(intensity), u in [0, 1)
  float solarize_prob = 0;  ///< values of 1/2 and above are inverted

  void visit(OptionVisitor& visitor);
  /// Throws Error naming an option that is out of range.
  void check() const { checked(*this); }
};

/// Each channel becomes (value - mean) / std.
struct Normalization {
  std::array<float, 3> mean{}, std{};

  /// ImageNet's values for 3 channels, their gray counterpart (0.449, 0.226) for 1.
  static Normalization imagenet(int64_t channels);
  /// CIFAR-10's values for 3 channels, their luma for 1.
  static Normalization cifar10(int64_t channels);
  /// `data` stands for that of the images themselves (data/image_statistics.h).
  static OptionVisitor::Choices names() { return {"imagenet", "cifar10", "data"}; }
  /// By one of the first two of these names. Throws Error for any other.
  static Normalization named(const std::string& name, int64_t channels);
  /// Leaves values in [0, 1].
  static Normalization none() { return {{0, 0, 0}, {1, 1, 1}}; }
};

enum class Jitter : uint8_t { brightness, contrast, saturation, hue };

/// Everything random about one view, as plain data that can be copied to a device.
struct ViewParameters {
  int32_t size = 0;
  InverseMap map{};
  bool jitter = false, gray = false, solarize = false;
  std::array<Jitter, 4> order{Jitter::brightness, Jitter::contrast, Jitter::saturation, Jitter::hue};
  std::array<float, 4> factor{1, 1, 1, 0};  ///< by Jitter
  float blur_sigma = 0;                     ///< in output pixels; 0: none
  float noise = 0;                          ///< deviation at intensity 1; 0: none
  /// Pixel i (row-major) gets number i mod 4 of normal4(bits(i / 4)) from this generator; its colours share it.
  Random noise_source{0, RandomSite::noise};
};

/// The map for an upright, unrotated box of the source, in source pixels.
InverseMap crop_map(float x, float y, float width, float height, int64_t size);

/// Draws one view of an image of this size. The result depends on the arguments alone. `view` counts from 0.
ViewParameters draw_view(const Augmentation& augmentation, int64_t height, int64_t width, int64_t size, uint64_t seed,
                         int64_t epoch, int64_t image, int view);

/// Computes a view and writes its (size, size, C) numbers to `out`.
void render_view(const Image& image, const ViewParameters& view, const Normalization& normalization, float* out);
/// The same as a Tensor f32 (size, size, C).
Tensor render_view(const Image& image, const ViewParameters& view, const Normalization& normalization);

/// The view that an encoder is tested on, without randomness. The shorter side becomes `size` up to 64 px and
/// size * 256 / 224, rounded, above that; then the central (size, size) is cropped. The same as torchvision's
/// Resize(antialias=True) and CenterCrop.
ViewParameters evaluation_view(int64_t height, int64_t width, int64_t size);
Tensor evaluation_view(const Image& image, int64_t size, const Normalization& normalization);

}  // namespace minissl
