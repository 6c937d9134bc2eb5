#include "data/decode/formats.h"

namespace minissl {

constinit const std::string_view why_no_dicom = "this build has no DICOM reader: install libgdcm-dev and build again";

Image decode_dicom(std::span<const std::byte>, const DecodeOptions&) { fail("{}", why_no_dicom); }

}  // namespace minissl
