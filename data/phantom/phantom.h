#pragma once
#include "data/image.h"

namespace minissl {

/// The finding in a phantom radiograph. Pose, exposure and noise change the pixels far more, and augmentation makes an
/// encoder invariant to those. Anatomy varies too, but among bodies in a straight pose nearest neighbours mostly share
/// their finding. So raw pixels and untrained features separate the classes poorly, which makes the gain from
/// pretraining visible.
enum class Finding {
  normal,          ///< heart 0.36 to 0.44 of the thorax's inner width (its cardiothoracic ratio)
  opacity,         ///< two to four soft consolidations anywhere in the lungs, heart as in normal
  enlarged_heart,  ///< heart 0.56 to 0.7 of the thorax's inner width
};

/// Generates a frontal chest radiograph, u8 (size, size, 1), that depends on the arguments alone.
/// The parts of a parametric body (outline, lungs, mediastinum, heart, diaphragm, spine, ribs, clavicles, scapulae,
/// vessels) are summed to an attenuation, posed, and mapped to gray levels by a varying exposure; markers, leads and
/// collimation are added on top, as in a hospital. For experiments and tests, not for medical use.
Image phantom_radiograph(Finding finding, int64_t size, uint64_t seed, uint32_t index);

}  // namespace minissl
