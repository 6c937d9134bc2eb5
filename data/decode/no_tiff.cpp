#include "data/decode/formats.h"

namespace minissl {

constinit const std::string_view why_no_tiff =
    "this build has no TIFF reader: install libtiff-dev (4.5 or newer) and build again";

Image decode_tiff(std::span<const std::byte>, const DecodeOptions&) { fail("{}", why_no_tiff); }
bool tiff_needs_white_level(std::span<const std::byte>) { return false; }

}  // namespace minissl
