#pragma once
#include <string>
#include <string_view>

#include "formats/safetensors_header.h"

/// The checksums (XXH3-64, 16 hexadecimal digits each) are two entries of the metadata: "xxh3.tensors" has those of the
/// tensors' bytes in the header's order, separated by spaces; "xxh3.header" is that of the header's text, in which it
/// stands as zeros itself. Each of the two demands the other, so that damage to one name doesn't turn checking off.
namespace minissl {

/// The metadata with both entries; the header's checksum has yet to be sealed.
Metadata with_checksums(const SafetensorsHeader& header, const std::string& where);
/// Puts the header's checksum into its final text.
void seal_header(std::string& text);

/// Checks the header's text against its checksum, and moves the tensors' checksums from the metadata to the tensors.
/// Does nothing for a file that has none. Throws Error if the header is damaged.
void take_checksums(std::string_view text, SafetensorsHeader& header, const std::string& where);

}  // namespace minissl
