#pragma once

namespace minissl {

/// The weights of red, green and blue in gray: ITU-R BT.601 luma, as in JPEG, Pillow and torchvision.
inline constexpr float luma_red = 0.299f, luma_green = 0.587f, luma_blue = 0.114f;

}  // namespace minissl
