#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace minissl {

/// A kind of image file, told by its content: extensions are not asked.
enum class ImageFormat { none, bmp, dicom, gif, jpeg, png, pnm, tiff, webp };

/// The bytes of a file's beginning that tell its format (DICOM's signature is at 128).
inline constexpr size_t signature_bytes = 132;

/// The format of a file that begins with `first`; `none` if it isn't an image that is known. `first` may be shorter
/// than signature_bytes only if the file is.
ImageFormat format_of(std::span<const std::byte> first);

/// The format that files with this extension usually have ("jpg", in lower case, without the dot); `none` if it isn't
/// one of images.
ImageFormat format_with_extension(std::string_view extension);

/// Empty if this build reads the format; else why not and what to do, such as the package that was absent when it was
/// built.
std::string_view unreadable_because(ImageFormat format);

}  // namespace minissl
