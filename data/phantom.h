#pragma once
#include "data/image.h"

namespace minissl {

/// What a phantom radiograph shows. They differ locally: pose, anatomy, exposure and texture vary far more.
enum class Finding {
  normal,          ///< heart about 0.36 to 0.45 of the thorax's inner width
  opacity,         ///< a soft consolidation somewhere in a lung, heart as in normal
  enlarged_heart,  ///< heart about 0.54 to 0.65 of the thorax's inner width
};

/// A generated frontal chest radiograph: u8 (size, size, 1), a function of its arguments alone.
/// A parametric body (outline, lungs, mediastinum, heart, diaphragm, spine, ribs, clavicles, scapulae, vessels) is
/// summed up to an attenuation, posed, and turned into gray levels by a varying exposure; markers, leads and
/// collimation are put on top, as in a hospital. For trying methods and for tests; not for medicine.
Image phantom_radiograph(Finding finding, int64_t size, uint64_t seed, uint32_t index);

}  // namespace minissl
