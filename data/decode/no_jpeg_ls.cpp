#include "data/decode/dicom_codecs.h"

namespace minissl {

void decode_jpeg_ls(std::span<const std::byte>, Pixels16&) {
  fail("its pixels are JPEG-LS, for which this build has no reader: install libcharls-dev and build again");
}

}  // namespace minissl
