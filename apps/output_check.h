#pragma once
#include <filesystem>
#include <string>

/// Checks of a command's outputs before its work, which may take hours. They throw Error with the flag's name.
namespace minissl {

/// Checks that a file can be written: its folder exists and is writable, and the path names no folder or device. Does
/// nothing for an empty path.
void require_writable_file(const std::filesystem::path& path, const std::string& flag = "out");

/// Checks that files can be written to a folder. The folder may not exist yet.
void require_writable_folder(const std::filesystem::path& path, const std::string& flag = "out");

}  // namespace minissl
