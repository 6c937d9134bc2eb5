#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace minissl {

/// The names of a run's files.
namespace run_file {
inline constexpr const char* config = "config.toml";             ///< every setting; the run's first file
inline constexpr const char* metrics = "metrics.jsonl";          ///< one event a line
inline constexpr const char* last = "last.safetensors";          ///< the newest checkpoint
inline constexpr const char* backbone = "backbone.safetensors";  ///< of that checkpoint, alone
inline constexpr const char* views = "views.png";
inline constexpr const char* reconstruction = "reconstruction.png";  ///< of a method that predicts hidden parts
inline constexpr const char* report = "report.html";
/// The checkpoint that is kept after so many epochs: "epoch_0025.safetensors".
std::string of_epoch(int64_t epochs);
}  // namespace run_file

/// The checkpoints of single epochs in a run's folder, by number of epochs. Only exact names count: another file, such
/// as a user's copy "epoch_0025_best.safetensors", is none of the run's.
std::vector<std::pair<int64_t, std::filesystem::path>> epoch_checkpoints(const std::filesystem::path& folder);

/// The folder of a run that is being trained. One process at a time may have it: a lock on the file ".lock" in it,
/// which ends with the process however that ends, keeps others out.
class RunFolder {
 public:
  /// Takes the lock if the folder exists. Throws Error naming the process that has it, or the reason why nothing can be
  /// written there.
  explicit RunFolder(std::filesystem::path path);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// The files of a run that are there, by name. None: no run has begun here, whatever else is in the folder.
  const std::vector<std::string>& files() const { return files_; }
  bool has(const std::string& name) const;

  /// Makes the folder unless it exists, takes the lock, and removes what killed writes have left.
  void open();
  /// Removes all checkpoints of single epochs but the last `keep` of them; 0 removes none.
  void prune(int64_t keep) const;

 private:
  void lock();
  void list_files();

  std::filesystem::path path_;
  std::vector<std::string> files_;
  int lock_ = -1;
};

}  // namespace minissl
