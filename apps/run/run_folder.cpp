#include "apps/run/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tensor/write_fully.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view epoch_prefix = "epoch_", checkpoint_suffix = ".safetensors";

// The number of epochs in the name of a checkpoint; nullopt for another file.
std::optional<int64_t> epochs_of(const std::string& name) {
  if (!name.starts_with(epoch_prefix) || !name.ends_with(checkpoint_suffix)) return std::nullopt;
  int64_t epochs = 0;
  std::from_chars(name.data() + epoch_prefix.size(), name.data() + name.size(), epochs);
  return name == run_file::of_epoch(epochs) ? std::optional(epochs) : std::nullopt;
}

std::string holder() {
  char host[256] = "this machine";
  gethostname(host, sizeof host - 1);
  return fmt::format("process {} on {}", getpid(), host);
}

}  // namespace

std::string run_file::of_epoch(int64_t epochs) {
  return fmt::format("{}{:04}{}", epoch_prefix, epochs, checkpoint_suffix);
}

std::vector<std::pair<int64_t, fs::path>> epoch_checkpoints(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (const auto epochs = epochs_of(entry.path().filename().string())) found.emplace_back(*epochs, entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  const fs::file_status status = fs::status(path_);
  if (!fs::exists(status)) return;
  require(fs::is_directory(status), "--out {}: is a file; name a folder", path_.string());
  lock();
  list_files();
}

RunFolder::~RunFolder() {
  if (lock_ >= 0) close(lock_);
}

bool RunFolder::has(const std::string& name) const {
  return std::find(files_.begin(), files_.end(), name) != files_.end();
}

void RunFolder::open() {
  std::error_code error;
  fs::create_directories(path_, error);
  require(!error, "--out {}: {}", path_.string(), error.message());
  if (lock_ < 0) {
    lock();
    list_files();
    require(files_.empty(), "--out {}: another process has begun a run there", path_.string());
  }
  AtomicFile::remove_leftovers(path_);
}

void RunFolder::lock() {
  const fs::path file = path_ / ".lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  require(lock_ >= 0, "--out {}: can't write there: {}", path_.string(), std::strerror(errno));
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(std::exchange(lock_, -1));
    fail("--out {}: {} is training there; wait for its end, or choose another folder", path_.string(), read_file(file));
  }
  const std::string text = holder();
  const bool written = ftruncate(lock_, 0) == 0 && write_fully(lock_, text.data(), text.size());
  require(written, "--out {}: can't write there: {}", path_.string(), std::strerror(errno));
}

void RunFolder::list_files() {
  files_.clear();
  using namespace run_file;
  for (const char* name : {config, metrics, last, backbone, views, report})
    if (fs::exists(fs::symlink_status(path_ / name))) files_.emplace_back(name);
  for (const auto& [epochs, file] : epoch_checkpoints(path_)) files_.push_back(file.filename().string());
}

void RunFolder::prune(int64_t keep) const {
  const auto checkpoints = epoch_checkpoints(path_);
  for (size_t i = 0; keep > 0 && i + static_cast<size_t>(keep) < checkpoints.size(); ++i)
    fs::remove(checkpoints[i].second);
}

}  // namespace minissl
