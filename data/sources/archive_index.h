#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/sources/byte_source.h"

namespace minissl {

/// Where the images of an archive are, and the files with their classes.
struct ArchiveIndex {
  struct Member {
    std::string name;  ///< without a leading "./"
    int64_t begin = 0, bytes = 0;
  };
  std::shared_ptr<const ByteSource> bytes;  ///< of the archive, or of what was unpacked from it
  std::vector<Member> images, classes;      ///< ordered by name, which are different; classes: those called *.cls
  std::vector<std::string> remarks;         ///< what else was in it
};

/// Reads the archive's headers, and what is compressed, once. Throws Error if it is damaged or cut short.
ArchiveIndex index_archive(const std::filesystem::path& path);

}  // namespace minissl
