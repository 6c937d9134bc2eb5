#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace minissl {

/// What --data names: a file or folder, and perhaps one of its parts (DIR:train).
struct DataPath {
  std::filesystem::path path;
  std::string part;  ///< empty: not said
};

/// PATH, or PATH:PART. A path that exists is taken as it is, whatever colons it has.
DataPath data_path(const std::string& spec);

/// The roots that a value of --data names: A,B,C, and a{000..009}.tar for ten of them. A path that exists is taken as
/// it is, whatever commas or braces it has. Throws Error for an empty root, one that is named twice, or more than a
/// million.
std::vector<std::string> roots_of(const std::string& spec);

/// `part` if it is one of `known`; the first of them if none is said, which `remarks` then says.
std::string chosen_part(const DataPath& path, const std::vector<std::string>& known, std::vector<std::string>& remarks);

}  // namespace minissl
