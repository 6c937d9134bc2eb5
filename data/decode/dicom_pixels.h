#pragma once
#include "data/decode/dicom_file.h"
#include "data/decode/sixteen_bits.h"

namespace minissl {

/// What a DICOM file says about how its pixels are stored (PS3.3, C.7.6.3).
struct DicomLayout {
  int64_t height = 0, width = 0;
  int channels = 1, bits_allocated = 0, bits_stored = 0, high_bit = 0;
  bool is_signed = false;
  bool planes = false;      ///< of uncompressed colours: all of red, all of green, all of blue
  std::string photometric;  ///< "MONOCHROME2", "RGB", ...

  /// Throws Error for what isn't supported: several frames, more than 16 bits.
  explicit DicomLayout(const DicomFile& file);
};

/// Reads the stored values: the lower `bits_stored` bits of each, with 0 in the other bits. If the colours were
/// compressed as JPEG, they are converted to RGB, and layout.photometric is set to that.
Pixels16 read_dicom_pixels(const DicomFile& file, DicomLayout& layout);

}  // namespace minissl
