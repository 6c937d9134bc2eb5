#pragma once
#include <filesystem>
#include <string>

/// What a command will write is checked before its work, which may take hours. All throw Error that names the flag.
namespace minissl {

/// That a file can be written: its folder exists and may be written to, and nothing but a file is in its place. An
/// empty path is no wish for one.
void require_writable_file(const std::filesystem::path& path, const std::string& flag = "out");

/// That a folder, which may not exist yet, can have files.
void require_writable_folder(const std::filesystem::path& path, const std::string& flag = "out");

}  // namespace minissl
