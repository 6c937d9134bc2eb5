#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "tests/apps/command_line.h"
#include "tests/apps/repeatable_log.h"

namespace minissl {

/// Epochs of four steps, a few milliseconds each. Add --epochs and --out.
inline const std::string tiny_run =
    "train simclr --data synth:64:32 --channels 1 --arch resnet18 --stem small --width 8 --size 16 --batch 16 --dim 8 "
    "--hidden 8 --monitor-samples 32 --threads 1 --warmup-epochs 1 ";

/// A run of one step, for commands that need some weights. Add --out.
inline const std::string one_step_run =
    "train simclr --data synth:8:32 --channels 1 --stem small --width 8 --size 16 --batch 4 --dim 8 --hidden 8 "
    "--epochs 1 --steps 1 --monitor-every 0 --threads 1 ";

/// The bytes of all files in a folder but the lock.
inline std::map<std::string, std::string> snapshot(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename() != ".lock") files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

/// Runs a command, and sends it `signal` once a file has `text` in it.
inline CommandResult command_with_signal(const std::string& arguments, const std::filesystem::path& scratch,
                                         const char* signal, const std::filesystem::path& file,
                                         const std::string& text) {
  std::thread sender([&] {
    for (int i = 0; i < 12000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      std::error_code error;
      if (std::filesystem::exists(file, error) && read_file(file).find(text) != std::string::npos) break;
    }
    std::ignore =
        std::system(fmt::format("pkill -{} -f -- '^{}.*{}'", signal, MINISSL_BINARY, scratch.string()).c_str());
  });
  // exec: the signal's number must be the process's status, not a shell's.
  CommandResult result = minissl_command(arguments, scratch, "exec ");
  sender.join();
  return result;
}

}  // namespace minissl
