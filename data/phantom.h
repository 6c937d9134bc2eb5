#pragma once
#include "data/image.h"

namespace minissl {

/// What a phantom radiograph shows. Pose, exposure and noise change its pixels far more: they are what augmentation
/// makes an encoder blind to. Anatomy varies, too, but among bodies that stand straight neighbours mostly share their
/// finding. So raw pixels and untrained features tell classes apart poorly, and what pretraining gains can be seen.
enum class Finding {
  normal,          ///< heart 0.36 to 0.44 of the thorax's inner width (its cardiothoracic ratio)
  opacity,         ///< two to four soft consolidations somewhere in the lungs, heart as in normal
  enlarged_heart,  ///< heart 0.56 to 0.7 of the thorax's inner width
};

/// A generated frontal chest radiograph: u8 (size, size, 1), a function of its arguments alone.
/// A parametric body (outline, lungs, mediastinum, heart, diaphragm, spine, ribs, clavicles, scapulae, vessels) is
/// summed up to an attenuation, posed, and turned into gray levels by a varying exposure; markers, leads and
/// collimation are put on top, as in a hospital. For trying methods and for tests; not for medicine.
Image phantom_radiograph(Finding finding, int64_t size, uint64_t seed, uint32_t index);

}  // namespace minissl
