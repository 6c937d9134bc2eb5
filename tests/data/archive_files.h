#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace minissl::test {

/// Names and contents, in order. A content that begins with "link:" makes a hard link to the rest of it, "symlink:" a
/// symbolic one.
using Members = std::vector<std::pair<std::string, std::string>>;

/// Writes an archive by libarchive; `format` is "ustar", "pax", "gnutar" or "zip", `filter` is "none", "gzip", "xz",
/// "zstd" or "bzip2".
void write_archive(const std::filesystem::path& path, const Members& members, const char* format = "ustar",
                   const char* filter = "none");

std::string gzipped(const std::string& bytes);

/// A .npy array of bytes or of 8-byte integers, as NumPy writes it.
std::string npy(const std::string& type, const std::vector<int64_t>& shape, const std::string& elements);

}  // namespace minissl::test
