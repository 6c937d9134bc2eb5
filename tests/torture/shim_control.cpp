#include "tests/torture/shim_control.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tensor/error.h"

namespace minissl::torture {

Shim::Shim(Command& command, const std::filesystem::path& scratch, const std::map<std::string, std::string>& settings) {
  static std::atomic<int> number{0};
  std::filesystem::create_directories(scratch);
  file_ = scratch / fmt::format("record-{}", number++);
  const int descriptor = open(file_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  require(descriptor >= 0 && ftruncate(descriptor, sizeof(faults::Record)) == 0, "{}: {}", file_.string(),
          std::strerror(errno));
  void* memory = mmap(nullptr, sizeof(faults::Record), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  close(descriptor);
  require(memory != MAP_FAILED, "{}: {}", file_.string(), std::strerror(errno));
  record_ = static_cast<faults::Record*>(memory);
  for (const auto& [name, value] : settings) command.environment[name] = value;
  command.environment["LD_PRELOAD"] = MINISSL_FAULTS;
  command.environment[faults::record_variable] = file_.string();
}

Shim::~Shim() {
  munmap(record_, sizeof(faults::Record));
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

}  // namespace minissl::torture
