#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace minissl {

/// One of the things that --data names: a file or folder, and possibly one of its parts (DIR:train).
struct DataPath {
  std::filesystem::path path;
  std::string part;  ///< empty: none was named
};

/// Parses PATH or PATH:PART. If a path of this name exists, its colons belong to it.
DataPath data_path(const std::string& spec);

/// The roots that a value of --data names: A,B,C, and a{000..009}.tar for ten of them. If a path of
/// this name exists, its commas and braces belong to it. Throws Error for an empty root, one that is named twice, or
/// more than a million.
std::vector<std::string> roots_of(const std::string& spec);

/// `part` if it is one of `known`; the first of them if none is said, which `remarks` then says.
std::string chosen_part(const DataPath& path, const std::vector<std::string>& known, std::vector<std::string>& remarks);

}  // namespace minissl
