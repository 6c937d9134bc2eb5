#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "formats/safetensors.h"

namespace minissl {

/// The official library's limit.
inline constexpr int64_t max_safetensors_header = 100'000'000;

struct SafetensorsHeader {
  std::vector<StoredTensor> tensors;  // in the order of the text
  Metadata metadata;
  bool has_checksums = false;
};

/// Parses the header of the file `where`, which has `data_bytes` bytes after the header, and checks that the tensors
/// cover these bytes exactly and that the header agrees with its checksum. Throws Error with `where`, the tensor and
/// the reason.
SafetensorsHeader parse_safetensors_header(std::string_view text, int64_t data_bytes, const std::string& where);

/// The header's text, with the checksums of its tensors and its own, padded with spaces to a multiple of 8 bytes.
std::string format_safetensors_header(const SafetensorsHeader& header, const std::string& where);

/// The format's name for an element type: "F32" for f32.
const char* safetensors_name_of(DType type);

/// Makes a name from a file safe for a message: quoted, on one line, not too long.
std::string quote(std::string_view name);

}  // namespace minissl
