#pragma once
#include <vector>

#include "data/sources/byte_source.h"

namespace minissl {

class ArchiveReader;

/// The bytes of a file; if its name ends in .gz, of what it was compressed from, unpacked once, which is remarked.
/// Throws Error for a file that is damaged or cut short, by gzip's checksum.
std::shared_ptr<const ByteSource> open_unpacked(const std::filesystem::path& path, std::vector<std::string>& remarks);

/// Appends the rest of the archive's current member to a file, and returns its number of bytes.
int64_t unpack_member(ArchiveReader& archive, UnpackedFile& to);

}  // namespace minissl
