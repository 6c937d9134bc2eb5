#pragma once
#include <filesystem>
#include <string>

#include "tensor/atomic_file.h"
#include "tests/apps/temporary_folder.h"

namespace minissl {

/// A made-up machine: its folders proc and sys.
class MadeUpMachine : public TemporaryFolder {
 protected:
  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories((folder_ / path).parent_path());
    write_file(folder_ / path, content);
  }
};

}  // namespace minissl
