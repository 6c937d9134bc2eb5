#include "apps/output_check.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

#include "tensor/error.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

void require_folder(const fs::path& folder, const fs::path& path, const std::string& flag) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  require(fs::exists(status), "--{} {}: there is no folder {}; make it first", flag, path.string(), folder.string());
  require(fs::is_directory(status), "--{} {}: {} is not a folder", flag, path.string(), folder.string());
  require(access(folder.c_str(), W_OK | X_OK) == 0, "--{} {}: can't write to the folder {}: {}", flag, path.string(),
          folder.string(), std::strerror(errno));
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : "."; }

}  // namespace

void require_writable_file(const fs::path& path, const std::string& flag) {
  if (path.empty()) return;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  require(!fs::is_directory(status), "--{} {}: is a folder; name a file in it", flag, path.string());
  require(!fs::exists(status) || fs::is_regular_file(status), "--{} {}: is not a regular file", flag, path.string());
  // A link stays one: what it points to is replaced.
  const fs::path target = fs::is_symlink(path, error) ? fs::weakly_canonical(path, error) : path;
  require_folder(folder_of(target), path, flag);
}

void require_writable_folder(const fs::path& path, const std::string& flag) {
  fs::path nearest = path.has_filename() ? path : path.parent_path();
  std::error_code error;
  while (!fs::exists(fs::status(nearest, error)) && nearest.has_parent_path() && nearest != nearest.parent_path())
    nearest = nearest.parent_path();
  if (!fs::exists(fs::status(nearest, error))) nearest = ".";
  require_folder(nearest, path, flag);
}

}  // namespace minissl
